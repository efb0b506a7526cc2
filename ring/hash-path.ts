/**
 * Where a name lives, first half: account/container/object -> key -> partition. The key is the MD5 of the name's path
 * between a prefix and a suffix that are the cluster's own, as Swift computes it (swift.common.utils.hash_path), so that a
 * stranger who does not know the salt cannot choose names that crowd one partition.
 */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';

/** A partition of a ring: an integer in [0, 2^partPower). */
export type Partition = number & { readonly _: 'partition' };

export const MIN_PART_POWER = 1;
export const MAX_PART_POWER = 32;

/** The cluster's secret salt. It must never change: every stored key depends on it. */
export interface HashSalt {
  readonly prefix: string;
  readonly suffix: string;
}

/** The 16-byte key of an account, a container or an object. Names are hashed as their UTF-8 bytes. */
export function hashPath(salt: HashSalt, account: string, container?: string, object?: string): Buffer {
  let path = `${salt.prefix}/${account}`;
  if (container !== undefined) path += `/${container}`;
  if (object !== undefined) {
    assert(container !== undefined, 'an object has a container');
    path += `/${object}`;
  }
  return hash('md5', path + salt.suffix, 'buffer');
}

/** The partition of a key: its first `partPower` bits. */
export function partitionOf(key: Uint8Array, partPower: number): Partition {
  assert(key.length >= 4, 'a key has at least four bytes');
  // `>>> 0` for power 32: a signed shift would make partitions of the upper half negative.
  const word = ((key[0] as number) << 24) | ((key[1] as number) << 16) | ((key[2] as number) << 8) | (key[3] as number);
  return (word >>> (32 - partPower)) as Partition;
}

/** `partition` as a number that was checked to be a partition of a ring of 2^partPower; throws RangeError otherwise. */
export function asPartition(partition: number, partPower: number): Partition {
  if (!Number.isInteger(partition) || partition < 0 || partition >= 2 ** partPower) {
    throw new RangeError(`partition ${partition} is not in [0, 2^${partPower})`);
  }
  return partition as Partition;
}
