/** Finds the rows of one database that another replica lacks: digests of ranges of names first, then the rows of the ranges that differ. */
import { compareNames, type DatabaseName, type ListingReplica, type ListingRow } from '#storage-node/protocol';

export interface RowComparisonOptions {
  readonly database: DatabaseName;
  readonly mine: Pick<ListingReplica, 'databaseRows' | 'rowDigests'>;
  readonly theirs: Pick<ListingReplica, 'databaseRows' | 'rowDigests'>;
  /** Whether a row of mine is to be sent, given the one of that name that they hold. */
  readonly wins: (row: ListingRow, held: ListingRow | undefined) => boolean;
}

const ROWS_OF_RANGE = 500;
const RANGES_AT_ONCE = 20;
const PAGE_ROWS = ROWS_OF_RANGE * RANGES_AT_ONCE;

export class RowComparison {
  readonly #o: RowComparisonOptions;

  constructor(options: RowComparisonOptions) {
    this.#o = options;
  }

  async *lacking(): AsyncGenerator<ListingRow[], void, undefined> {
    const { database, mine, theirs, wins } = this.#o;
    for (let after = ''; ; ) {
      const rows = await mine.databaseRows(database, { after, limit: PAGE_ROWS });
      if (rows.length === 0) return;
      const ends: string[] = [];
      for (let at = ROWS_OF_RANGE - 1; at < rows.length - 1; at += ROWS_OF_RANGE) ends.push(rows[at]!.name);
      ends.push(rows.at(-1)!.name);
      const [here, there] = await Promise.all([mine.rowDigests(database, { after, ends }), theirs.rowDigests(database, { after, ends })]);
      for (const [i, end] of ends.entries()) {
        if (here[i] === there[i]) continue;
        const held = await this.#theirRows(i === 0 ? after : ends[i - 1]!, end);
        const wanted = rows.slice(i * ROWS_OF_RANGE, (i + 1) * ROWS_OF_RANGE).filter((row) => wins(row, held.get(row.name)));
        if (wanted.length > 0) yield wanted;
      }
      after = rows.at(-1)!.name;
    }
  }

  async #theirRows(after: string, end: string): Promise<Map<string, ListingRow>> {
    const rows = new Map<string, ListingRow>();
    for (let from = after; ; ) {
      const page = await this.#o.theirs.databaseRows(this.#o.database, { after: from, limit: ROWS_OF_RANGE * 2 });
      for (const row of page) if (compareNames(row.name, end) <= 0) rows.set(row.name, row);
      from = page.at(-1)?.name ?? end;
      if (page.length < ROWS_OF_RANGE * 2 || compareNames(from, end) >= 0) return rows;
    }
  }
}
