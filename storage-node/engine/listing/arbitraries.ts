/** Random names, rows, queries and operations for property tests of ListingEngines: small alphabets, so that they collide. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Timestamp } from '#common';
import type { DatabaseKind, DatabaseName, ListingQuery, ListingRow, TimedMetadata } from '#storage-node/protocol';

export function databaseName(path: string): DatabaseName {
  const kind: DatabaseKind = path.lastIndexOf('/') === 0 ? 'account' : 'container';
  return { kind, path, key: createHash('md5').update(path).digest() };
}

/** A live row of 10 bytes; `fields` says what is different. */
export function row(name: string, timestamp: number, fields: Partial<Omit<ListingRow, 'timestamp' | 'metaTimestamp'>> & { metaTimestamp?: number } = {}): ListingRow {
  const live = { name, timestamp, metaTimestamp: timestamp, deleted: false, bytes: 10, count: 1, policy: 0, etag: 'e0', contentType: 'text/plain', ...fields };
  const blank = live.deleted ? { bytes: 0, count: 0, etag: '', contentType: '' } : {};
  return { ...live, ...blank, timestamp: live.timestamp as Timestamp, metaTimestamp: live.metaTimestamp as Timestamp };
}

const unit = fc.constantFrom('a', 'b', '/', '-', '&', ' ', '%', '"', '\u{d7ff}', '\u{e000}', '\u{10000}', '\u{10ffff}');
const shortText = fc.string({ unit, maxLength: 4 });
export const rowName = fc.string({ unit, minLength: 1, maxLength: 5 });
export const timestamp = fc.integer({ min: 1, max: 30 }) as fc.Arbitrary<Timestamp>;

export const listingRow: fc.Arbitrary<ListingRow> = fc
  .record({
    name: rowName,
    timestamp,
    metaDelay: fc.integer({ min: 0, max: 3 }),
    deleted: fc.boolean(),
    bytes: fc.constantFrom(0, 7, 5_368_709_122),
    count: fc.constantFrom(0, 1, 12),
    policy: fc.constantFrom(0, 1),
    etag: fc.constantFrom('', 'e1', 'e2 x', 'd41d8cd98f00b204e9800998ecf8427e'),
    contentType: fc.constantFrom('', 'a/b', 'text/plain; charset=utf-8; x="\u{1f600}"'),
  })
  .map(({ metaDelay, ...fields }) => ({ ...fields, metaTimestamp: (fields.timestamp + metaDelay) as Timestamp }));

export const metadata: fc.Arbitrary<TimedMetadata> = fc.dictionary(fc.constantFrom('X-A', 'X-B', 'x ü'), fc.tuple(fc.constantFrom('', '1', '2', 'ü\n'), timestamp), { maxKeys: 3 });

export const query: fc.Arbitrary<ListingQuery> = fc.record({
  limit: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(10_000)),
  marker: fc.oneof(fc.constant(''), shortText),
  endMarker: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: shortText }),
  prefix: fc.oneof({ weight: 2, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.string({ unit, maxLength: 2 }) }),
  delimiter: fc.oneof({ weight: 1, arbitrary: fc.constantFrom('', '/', '-&', '//', '\u{10ffff}') }, { weight: 1, arbitrary: fc.constant('/') }),
  reverse: fc.boolean(),
  includeDeleted: fc.boolean(),
});

const path = fc.constantFrom('/acc', '/acc/con', '/acc/other');

/** One call on an engine. */
export type Operation =
  | { readonly op: 'put'; readonly path: string; readonly timestamp: Timestamp; readonly metadata: TimedMetadata; readonly policy: number }
  | { readonly op: 'post'; readonly path: string; readonly timestamp: Timestamp; readonly metadata: TimedMetadata }
  | { readonly op: 'delete'; readonly path: string; readonly timestamp: Timestamp; readonly force: boolean }
  | { readonly op: 'merge'; readonly path: string; readonly rows: readonly ListingRow[]; readonly createWith: { timestamp: Timestamp; policy: number } | undefined }
  | { readonly op: 'list'; readonly path: string; readonly query: ListingQuery }
  | { readonly op: 'report' };

const createWith = fc.option(fc.record({ timestamp, policy: fc.constantFrom(0, 1) }), { nil: undefined });

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ op: fc.constant('put' as const), path, timestamp, metadata, policy: fc.constantFrom(0, 1) }),
  fc.record({ op: fc.constant('post' as const), path, timestamp, metadata }),
  fc.record({ op: fc.constant('delete' as const), path, timestamp, force: fc.boolean() }),
  { weight: 4, arbitrary: fc.record({ op: fc.constant('merge' as const), path, rows: fc.array(listingRow, { maxLength: 6 }), createWith }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('list' as const), path, query }) },
  fc.record({ op: fc.constant('report' as const) }),
);
