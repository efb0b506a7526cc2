/** Brings the state of one key from the engine that has it to others that have an older one: data, metadata and tombstones alike. */
import { isStoreError, type Timestamp } from '#common';
import type { Key, ObjectEngine, ObjectInfo, ObjectReader, WriteReceipt } from '#storage-node/protocol';
import { compareStates } from './states.ts';

/** What became of copies of a state. A device that failed counts nowhere, and is left for later. */
export interface Brought {
  /** Devices that hold the state now. */
  readonly holders: number;
  /** That hold a newer one. */
  readonly newer: number;
  /** That have promised to take none so old to somebody who writes under a condition (docs/decisions/0018). */
  readonly refused: number;
}

export async function bringUpToDate(work: { key: Key; from: Pick<ObjectEngine, 'open' | 'info'>; to: readonly ObjectEngine[] }): Promise<Brought> {
  const outcomes = await Promise.allSettled(work.to.map((engine) => copyState(work.key, work.from, engine)));
  const count = (matches: (order: number) => boolean): number => outcomes.filter((outcome) => outcome.status === 'fulfilled' && matches(outcome.value)).length;
  return { holders: count((order) => order === 0), newer: count((order) => order > 0), refused: count((order) => order < 0) };
}

/** Writes what `from` holds to all of `to` as a state of the later `timestamp`, which won a ballot; how many took it. Nothing, where `from` holds `state` no more. */
export async function rewrite({ key, from, state, to, timestamp }: { key: Key; from: Pick<ObjectEngine, 'open'>; state: ObjectInfo; to: readonly ObjectEngine[]; timestamp: Timestamp }): Promise<number> {
  const write = async (engine: ObjectEngine): Promise<boolean> => {
    const conditional = true as const;
    const dated = true as const;
    const { name } = state;
    if (state.deleted) return (await engine.delete({ key, name, timestamp, conditional, dated })).outcome === 'committed';
    await using reader = await from.open(key);
    if (reader === undefined || compareStates(reader.info, state) !== 0) return false;
    return (await copyData(key, { reader, state: { ...reader.info, timestamp, conditional } }, engine)).outcome === 'committed';
  };
  const outcomes = await Promise.allSettled(to.map(write));
  return outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value).length;
}

/** How what `to` holds in the end compares with the state: as a rule it is that. */
async function copyState(key: Key, from: Pick<ObjectEngine, 'open' | 'info'>, to: ObjectEngine): Promise<number> {
  await using reader = await from.open(key);
  if (reader === undefined) {
    const tombstone = await from.info(key);
    if (tombstone === undefined || !tombstone.deleted) return -1;
    const { name, timestamp, conditional } = tombstone;
    const { state } = await to.delete({ key, name, timestamp, conditional, dated: true });
    return compareStates(state, tombstone);
  }
  const { name, timestamp, metaTimestamp, metadata } = reader.info;
  let held = await to.stat(key).catch(damagedIsNothing);
  if (held === undefined || held.deleted || held.timestamp < timestamp) held = (await copyData(key, { reader, state: reader.info }, to)).state;
  if (metaTimestamp > timestamp) held = (await to.post({ key, name, timestamp: metaTimestamp, base: timestamp, metadata, dated: true })).state;
  return compareStates(held, reader.info);
}

async function copyData(key: Key, { reader, state }: { reader: ObjectReader; state: ObjectInfo }, to: ObjectEngine): Promise<WriteReceipt> {
  const { name, timestamp, metadata, sizeBytes, conditional } = state;
  if (reader.data !== undefined) return to.put({ key, name, timestamp, metadata, data: reader.data, conditional, dated: true });
  const writer = await to.create({ key, name, timestamp, sizeHint: sizeBytes, conditional, dated: true });
  try {
    for await (const chunk of reader.read(0, sizeBytes)) await writer.write(chunk);
    return await writer.commit(metadata);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** What a device has lost to damage it is given anew. */
function damagedIsNothing(error: unknown): undefined {
  if (!isStoreError(error, 'corrupt')) throw error;
  return undefined;
}
