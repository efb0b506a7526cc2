/** A database as it is stored besides its rows: its state (JSON, changed seldom) and its figures (changed by every group of rows). */
import type { DatabaseInfo, ListingTotals } from '#storage-node/protocol';
import type { Timestamp } from '#common';
import { infoOf, type DatabaseState } from '../database-state.ts';
import { formatDigest, parseDigest } from '../row-digest.ts';
import { copyFigures, type Figures } from '../totals.ts';
import type { DatabaseId, DatabaseKey } from './keys.ts';

/** What the account was last told of a container. */
export type Report = readonly [putTimestamp: Timestamp, deleteTimestamp: Timestamp, rows: number, bytes: number];

/** A committed database: never changed in place, replaced by a changed copy when a group is committed. */
export interface DatabaseRecord {
  readonly id: DatabaseId;
  readonly key: DatabaseKey;
  readonly state: DatabaseState;
  readonly figures: Figures;
  readonly report: Report | undefined;
  /** Made when first asked for. */
  info: DatabaseInfo | undefined;
}

export function recordInfo(record: DatabaseRecord): DatabaseInfo {
  record.info ??= infoOf(record.state, record.figures);
  return record.info;
}

export function reportOf(info: Pick<DatabaseInfo, 'putTimestamp' | 'deleteTimestamp' | 'totals'>): Report {
  return [info.putTimestamp, info.deleteTimestamp, info.totals.rows, info.totals.bytes];
}

/** Whether the account has yet to hear of it. The key `u<id>` exists exactly where this holds. */
export function isUnreported({ key, state, figures, report }: Pick<DatabaseRecord, 'key' | 'state' | 'figures' | 'report'>): boolean {
  if (key[0] !== 'c') return false;
  if (!report) return true;
  const { putTimestamp, deleteTimestamp } = state;
  return putTimestamp !== report[0] || deleteTimestamp !== report[1] || figures.totals.rows !== report[2] || figures.totals.bytes !== report[3];
}

export function encodeState(id: DatabaseId, state: DatabaseState): string {
  return JSON.stringify({ id, ...state });
}

export function decodeState(text: string): { id: DatabaseId; state: DatabaseState } {
  const { id, ...state } = JSON.parse(text) as DatabaseState & { id: DatabaseId };
  return { id, state };
}

type StoredTotals = readonly [rows: number, objects: number, bytes: number];

export function encodeFigures(figures: Figures, report: Report | undefined): string {
  // In order, so that equal figures have equal texts.
  const policies = [...figures.byPolicy].sort(([a], [b]) => a - b).map(([policy, totals]) => [policy, ...storedTotals(totals)]);
  return JSON.stringify([storedTotals(figures.totals), figures.tombstones, formatDigest(figures.digest), policies, report ?? null]);
}

export function decodeFigures(text: string): { figures: Figures; report: Report | undefined } {
  const [totals, tombstones, digest, policies, report] = JSON.parse(text) as [StoredTotals, number, string, [number, ...StoredTotals][], Report | null];
  const byPolicy = new Map(policies.map(([policy, ...stored]) => [policy, totalsOf(stored)]));
  return { figures: { totals: totalsOf(totals), byPolicy, digest: parseDigest(digest), tombstones }, report: report ?? undefined };
}

export function copyRecord(record: DatabaseRecord): { -readonly [field in keyof DatabaseRecord]: DatabaseRecord[field] } {
  return { ...record, figures: copyFigures(record.figures), info: undefined };
}

const storedTotals = ({ rows, objects, bytes }: ListingTotals): StoredTotals => [rows, objects, bytes];
const totalsOf = ([rows, objects, bytes]: StoredTotals): ListingTotals => ({ rows, objects, bytes });
