/** Brings the state of one key from the engine that has it to others that have an older one: data, metadata and tombstones alike. */
import type { Key, ObjectEngine, ObjectReader } from '#storage-node/protocol';

/** How many of `to` hold the state of `from`, or a newer one, in the end. A device that fails is left for later. */
export async function bringUpToDate(work: { key: Key; from: Pick<ObjectEngine, 'open' | 'info'>; to: readonly ObjectEngine[] }): Promise<number> {
  const outcomes = await Promise.allSettled(work.to.map((engine) => copyState(work.key, work.from, engine)));
  return outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value).length;
}

async function copyState(key: Key, from: Pick<ObjectEngine, 'open' | 'info'>, to: ObjectEngine): Promise<boolean> {
  await using reader = await from.open(key);
  if (reader === undefined) {
    const tombstone = await from.info(key);
    if (tombstone === undefined || !tombstone.deleted) return false;
    await to.delete({ key, name: tombstone.name, timestamp: tombstone.timestamp });
    return true;
  }
  const { name, timestamp, metaTimestamp, metadata, deleted: _ } = reader.info;
  const held = await to.stat(key);
  if (held === undefined || held.deleted || held.timestamp < timestamp) await copyData(key, reader, to);
  if (metaTimestamp > timestamp) await to.post({ key, name, timestamp: metaTimestamp, base: timestamp, metadata });
  return true;
}

async function copyData(key: Key, reader: ObjectReader, to: ObjectEngine): Promise<void> {
  const { name, timestamp, metadata, sizeBytes } = reader.info;
  if (reader.data !== undefined) {
    await to.put({ key, name, timestamp, metadata, data: reader.data });
    return;
  }
  const writer = await to.create({ key, name, timestamp, sizeHint: sizeBytes });
  try {
    for await (const chunk of reader.read(0, sizeBytes)) await writer.write(chunk);
    await writer.commit(metadata);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
