/** Which names stand for a ring: one in each of evenly spaced partitions, so that a few objects say how all of them are spread. */
import { hashPath, type HashSalt, type Partition, type Ring } from '#ring';

/** Names `prefix0`, `prefix1`, ... that lie in the sampled partitions, one in each. `coverage` is a percentage. */
export function sampleNames(ring: Ring, { salt, coverage, prefix, account, container }: { salt: HashSalt; coverage: number; prefix: string; account: string; container?: string }): string[] {
  const wanted = Math.max(1, Math.min(ring.partitionCount, Math.round((ring.partitionCount * coverage) / 100)));
  const open = new Set<number>(Array.from({ length: wanted }, (_, i) => Math.floor((i * ring.partitionCount) / wanted)));
  const names: string[] = [];
  for (let n = 0; open.size > 0; n++) {
    const name = `${prefix}${n}`;
    if (open.delete(partitionOf(ring, salt, container === undefined ? [account, name] : [account, container, name]))) names.push(name);
  }
  return names;
}

export function partitionOf(ring: Ring, salt: HashSalt, [account, container, object]: readonly [string, string, string?]): Partition {
  return ring.partition(hashPath(salt, account, container, object));
}
