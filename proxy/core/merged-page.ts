/**
 * One page out of several replicas' that do not agree: each name's newest row wins, tombstones hide what they are newer than, and
 * prefixes roll up only over rows that live. Slower than one replica's page, and exact.
 */
import { compareNames, compareRows, entryName, isSubdirectory, type DatabaseInfo, type ListingEntry, type ListingPage, type ListingQuery, type ListingRow } from '#storage-node/protocol';

/** Rows fetched from each replica at a time. */
const PART_ROWS = 1000;

/** `fetch` answers the pages of a majority of replicas for a query without delimiter, tombstones included. */
export async function mergedPage(info: DatabaseInfo, query: ListingQuery, fetch: (part: ListingQuery) => Promise<ListingPage[]>): Promise<ListingPage> {
  const entries: ListingEntry[] = [];
  const wanted = query.limit + 1;
  let marker = query.marker;
  let more = query.limit > 0;
  while (more && entries.length < wanted) {
    const pages = await fetch({ ...query, delimiter: '', marker, limit: PART_ROWS, includeDeleted: true });
    const merged = mergeRows(pages, query.reverse);
    more = merged.boundary !== undefined;
    marker = merged.boundary ?? '';
    for (const row of merged.rows) {
      if (row.deleted && query.includeDeleted !== true) continue;
      const subdir = subdirectoryOf(row.name, query);
      if (subdir === undefined) {
        entries.push(row);
      } else if (!hides(query, subdir)) {
        const last = entries.at(-1);
        if (last === undefined || entryName(last) !== subdir || !isSubdirectory(last)) entries.push({ subdir });
      }
      if (entries.length >= wanted) break;
    }
    const last = entries.at(-1);
    if (more && last !== undefined && isSubdirectory(last)) marker = pastSubdirectory(last.subdir, marker, query.reverse);
  }
  return { info, entries: entries.slice(0, query.limit), truncated: entries.length > query.limit };
}

/** The newest row of each name, up to where every replica's page reaches; `boundary` is that last name where more may follow. */
function mergeRows(pages: readonly ListingPage[], reverse: boolean): { rows: ListingRow[]; boundary: string | undefined } {
  const order = (a: string, b: string): number => (reverse ? compareNames(b, a) : compareNames(a, b));
  const newest = new Map<string, ListingRow>();
  let boundary: string | undefined;
  for (const page of pages) {
    for (const entry of page.entries) {
      if (isSubdirectory(entry)) continue;
      const held = newest.get(entry.name);
      if (held === undefined || compareRows(entry, held) > 0) newest.set(entry.name, entry);
    }
    const last = page.entries.at(-1);
    if (page.truncated && last !== undefined && (boundary === undefined || order(entryName(last), boundary) < 0)) boundary = entryName(last);
  }
  const rows = [...newest.values()].filter((row) => boundary === undefined || order(row.name, boundary) <= 0);
  return { rows: rows.sort((a, b) => order(a.name, b.name)), boundary };
}

function subdirectoryOf(name: string, { prefix, delimiter }: ListingQuery): string | undefined {
  if (delimiter === '') return undefined;
  const at = name.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : name.slice(0, at + delimiter.length);
}

/** A subdirectory is listed only where it lies itself within the markers: one that holds the marker was listed before. */
function hides({ marker, endMarker, reverse }: ListingQuery, subdir: string): boolean {
  const after = reverse ? endMarker : marker;
  return after !== '' && compareNames(subdir, after) <= 0;
}

/** Where to go on so as not to walk over what a subdirectory stands for. */
function pastSubdirectory(subdir: string, marker: string, reverse: boolean): string {
  if (reverse) return compareNames(subdir, marker) < 0 ? subdir : marker;
  const past = `${subdir}\u{10ffff}`;
  return compareNames(past, marker) > 0 ? past : marker;
}
