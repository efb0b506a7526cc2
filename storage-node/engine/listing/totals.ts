/** The figures kept beside a database's rows, and how a change of one row changes them. */
import type { ListingRow, ListingTotals } from '#storage-node/protocol';
import { addRow, emptyDigest, removeRow, type Digest } from './row-digest.ts';

/** Totals, digest and number of tombstones; changed in place, row by row. */
export interface Figures {
  totals: ListingTotals;
  /** Policies without live rows have no entry, so that equal rows have equal figures. */
  readonly byPolicy: Map<number, ListingTotals>;
  readonly digest: Digest;
  tombstones: number;
}

const NOTHING: ListingTotals = { rows: 0, objects: 0, bytes: 0 };

export function emptyFigures(): Figures {
  return { totals: NOTHING, byPolicy: new Map(), digest: emptyDigest(), tombstones: 0 };
}

export function copyFigures(figures: Figures): Figures {
  return { totals: figures.totals, byPolicy: new Map(figures.byPolicy), digest: figures.digest.slice(), tombstones: figures.tombstones };
}

/** Accounts for `next` (undefined: reclaimed) in the place of `previous` (undefined: new). */
export function replaceRow(figures: Figures, previous: ListingRow | undefined, next: ListingRow | undefined): void {
  if (previous) {
    removeRow(figures.digest, previous);
    if (previous.deleted) figures.tombstones--;
    else count(figures, previous, -1);
  }
  if (next) {
    addRow(figures.digest, next);
    if (next.deleted) figures.tombstones++;
    else count(figures, next, 1);
  }
}

function count(figures: Figures, row: ListingRow, sign: 1 | -1): void {
  figures.totals = add(figures.totals, row, sign);
  const policy = add(figures.byPolicy.get(row.policy) ?? NOTHING, row, sign);
  if (policy.rows === 0) figures.byPolicy.delete(row.policy);
  else figures.byPolicy.set(row.policy, policy);
}

function add(totals: ListingTotals, row: ListingRow, sign: 1 | -1): ListingTotals {
  return { rows: totals.rows + sign, objects: totals.objects + sign * row.count, bytes: totals.bytes + sign * row.bytes };
}
