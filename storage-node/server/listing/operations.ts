/** The operations on the accounts and containers of one device: JSON both ways. */
import { StoreError } from '#common';
import {
  decodeDatabase, decodeKey, decodeRanges, decodeRows, encodeDatabase, encodePage, encodeWireRow,
  type DatabaseInfo, type DatabaseRanges, type ListingEngine, type ListingOperation, type ListingQuery, type ReplicatedState, type TimedMetadata,
} from '#storage-node/protocol';
import { readJson, sendFrames, sendJson, type Exchange } from '../exchange.ts';
import { flagOf, timestampOf } from '../object/context.ts';

type Fields = Record<string, unknown>;

const simple = (answer: (engine: ListingEngine, fields: Fields) => unknown) => async (exchange: Exchange, engine: ListingEngine) =>
  sendJson(exchange, await answer(engine, await readJson(exchange)));

const change = ({ database, timestamp, dated }: Fields) => ({ database: decodeDatabase(database), timestamp: timestampOf(timestamp), dated: flagOf(dated) });

export const listingOperations: Record<ListingOperation, (exchange: Exchange, engine: ListingEngine) => Promise<void>> = {
  info: simple((engine, { database }) => engine.info(decodeDatabase(database))),
  put: simple((engine, fields) => engine.put({ ...change(fields), metadata: timedMetadataOf(fields['metadata']), policy: Number(fields['policy']) })),
  post: simple((engine, fields) => engine.post({ ...change(fields), metadata: timedMetadataOf(fields['metadata']) })),
  delete: simple((engine, fields) => engine.delete({ ...change(fields), force: fields['force'] === true })),
  merge: simple((engine, { database, rows, createWith, deferSync }) => {
    const create = createWith as Fields | undefined;
    const created = create && { createWith: { timestamp: timestampOf(create['timestamp']), policy: Number(create['policy']) } };
    return engine.merge({ database: decodeDatabase(database), rows: decodeRows(rows), deferSync: deferSync === true, ...created });
  }),
  sync: simple((engine) => engine.sync()),
  list: simple(async (engine, { database, query }) => {
    const page = await engine.list(decodeDatabase(database), queryOf(query));
    return page && encodePage(page);
  }),
  unreported: simple((engine, { limit }) => engine.unreported(Number(limit))),
  databaseDigests: async (exchange, engine) => sendFrames(exchange, [await engine.databaseDigests(rangesOf(await readJson(exchange)))]),
  databaseVersions: simple(async (engine, fields) => {
    const after = fields['after'] === undefined ? undefined : decodeKey(fields['after']);
    const versions = await engine.databaseVersions({ ...rangesOf(fields), after, limit: limitOf(fields['limit']) });
    return versions.map(({ database, version }) => ({ database: encodeDatabase(database), version }));
  }),
  databaseState: simple((engine, { database }) => engine.databaseState(decodeDatabase(database))),
  databaseRows: simple(async (engine, { database, after, limit }) => {
    const rows = await engine.databaseRows(decodeDatabase(database), { after: textOf(after), limit: limitOf(limit) });
    return rows.map(encodeWireRow);
  }),
  rowDigests: simple((engine, { database, after, ends }) => {
    if (!Array.isArray(ends)) throw new StoreError('bad-request', 'not ranges of rows');
    return engine.rowDigests(decodeDatabase(database), { after: textOf(after), ends: ends.map(textOf) });
  }),
  adopt: simple(async (engine, { copies }) => {
    if (!Array.isArray(copies)) throw new StoreError('bad-request', 'not copies of databases');
    await engine.adopt((copies as Fields[]).map(({ database, state, rows }) => ({ database: decodeDatabase(database), state: stateOf(state), rows: decodeRows(rows) })));
  }),
  reported: simple((engine, { infos }) => {
    for (const info of infos as DatabaseInfo[]) engine.reported(info);
  }),
};

function timedMetadataOf(value: unknown): TimedMetadata {
  const entries = typeof value === 'object' && value !== null ? Object.values(value as Fields) : [undefined];
  const timed = entries.every((entry) => Array.isArray(entry) && typeof entry[0] === 'string' && Number.isSafeInteger(entry[1]));
  if (!timed) throw new StoreError('bad-request', 'not metadata with timestamps');
  return value as TimedMetadata;
}

function queryOf(value: unknown): ListingQuery {
  const { limit, marker, endMarker, prefix, delimiter, reverse, includeDeleted } = (value ?? {}) as Fields;
  const texts = [marker, endMarker, prefix, delimiter];
  if (!texts.every((text) => typeof text === 'string' && text.isWellFormed()) || !Number.isSafeInteger(limit)) throw new StoreError('bad-request', 'not a listing query');
  const bounds = { marker, endMarker, prefix, delimiter } as Pick<ListingQuery, 'marker' | 'endMarker' | 'prefix' | 'delimiter'>;
  return { ...bounds, limit: limit as number, reverse: reverse === true, includeDeleted: includeDeleted === true };
}

/** Rows or databases of one answer. */
const MAX_LIMIT = 10_000;

function rangesOf({ kind, bits, prefixes }: Fields): DatabaseRanges {
  if (kind !== 'account' && kind !== 'container') throw new StoreError('bad-request', 'not a kind of database');
  return { kind, ...decodeRanges(bits, prefixes) };
}

function limitOf(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > MAX_LIMIT) throw new StoreError('bad-request', 'not a limit');
  return value as number;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw new StoreError('bad-request', 'not a name');
  return value;
}

function stateOf(value: unknown): ReplicatedState {
  const { path, createdAt, putTimestamp, deleteTimestamp, statusTimestamp, metadata, policies } = (value ?? {}) as Fields;
  const runs = Array.isArray(policies) && (policies as Fields[]).every(({ from, to, policy }) => [from, to, policy].every(Number.isSafeInteger));
  if (!runs || ![createdAt, putTimestamp, deleteTimestamp, statusTimestamp].every(Number.isSafeInteger)) throw new StoreError('bad-request', 'not a state');
  return { ...(value as ReplicatedState), path: textOf(path), metadata: timedMetadataOf(metadata) };
}
