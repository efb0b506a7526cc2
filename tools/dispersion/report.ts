/** Asks the devices themselves how many of the copies they should have are there: past proxies, so that nothing is mended by the looking. */
import { concurrently, isStoreError } from '#common';
import { hashPath, type HashSalt, type Ring, type RingDevice } from '#ring';

export interface Sampled {
  readonly path: readonly [account: string, container: string, object?: string];
}

export interface DispersionOf {
  readonly sampled: number;
  readonly copiesExpected: number;
  readonly copiesFound: number;
  /** Percent of the copies that should be there. */
  readonly found: number;
  /** Partitions by how many copies they miss. */
  readonly missing: Readonly<Record<number, number>>;
  /** Percent of the partitions that were looked at. */
  readonly coverage: number;
  /** Devices that could not be asked, with what they said: their copies count as missing. */
  readonly unreachable: Readonly<Record<string, string>>;
}

const AT_ONCE = 32;

/** `isThere` asks one device for one key, and throws a StoreError where it does not answer. */
export async function dispersionOf(ring: Ring, { salt, sampled, isThere }: { salt: HashSalt; sampled: readonly Sampled[]; isThere: (device: RingDevice, key: Buffer, sample: Sampled) => Promise<boolean> }): Promise<DispersionOf> {
  const missing: Record<number, number> = {};
  const unreachable: Record<string, string> = {};
  const partitions = new Set<number>();
  let [copiesExpected, copiesFound] = [0, 0];
  const look = async (sample: Sampled): Promise<void> => {
    const key = hashPath(salt, ...sample.path);
    const partition = ring.partition(key);
    const primaries = ring.primaries(partition);
    partitions.add(partition);
    const found = await Promise.all(primaries.map((device) => isThere(device, key, sample).catch((error: unknown) => {
      if (!isStoreError(error)) throw error;
      unreachable[`${device.ip}:${device.port}/${device.device}`] = error.message;
      return false;
    })));
    const count = found.filter(Boolean).length;
    copiesExpected += primaries.length;
    copiesFound += count;
    missing[primaries.length - count] = (missing[primaries.length - count] ?? 0) + 1;
  };
  await concurrently(sampled, AT_ONCE, look);
  return {
    sampled: sampled.length, copiesExpected, copiesFound, missing, unreachable,
    found: copiesExpected === 0 ? 0 : (100 * copiesFound) / copiesExpected,
    coverage: (100 * partitions.size) / ring.partitionCount,
  };
}

export function dispersionWords(what: string, { sampled, copiesExpected, copiesFound, found, missing, coverage, unreachable }: DispersionOf): string {
  const lines = Object.entries(missing).sort(([a], [b]) => Number(a) - Number(b)).map(([copies, count]) => `  ${count} partitions miss ${copies} copies`);
  return [
    `${what}: ${sampled} looked at, ${found.toFixed(2)}% of the copies found (${copiesFound} of ${copiesExpected}); a sample of ${coverage.toFixed(2)}% of the partitions`,
    ...lines,
    ...Object.entries(unreachable).map(([device, fault]) => `  ${device} could not be asked: ${fault}`),
  ].join('\n');
}
