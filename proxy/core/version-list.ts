/**
 * All versions in a container, merged of two listings: what is in force, and the reserved container beside it. Names in byte order; of
 * one name what never was a version first, then the newest. Which is in force the links say; of a name without one, its newest version is
 * where that marks a deletion.
 */
import { isStoreError, type Timestamp } from '#common';
import { compareNames, isSubdirectory, type DatabaseInfo, type ListingEntry, type ListingPage, type ListingQuery, type ListingRow } from '#storage-node/protocol';
import type { ContainerName, Containers } from './containers.ts';
import { parseListed } from './listed.ts';
import { parseVersionName, VERSION_NAMES, versionName, versionsContainer } from './version-names.ts';
import { DELETE_MARKER_TYPE, versionOfLink } from './versions.ts';

export interface VersionsQuery extends Omit<ListingQuery, 'endMarker'> {
  /** With `marker`: goes on within that name, after (before, with reverse) this version; 'null' is what never was one. */
  readonly versionMarker: Timestamp | 'null' | undefined;
}

export type VersionEntry =
  | { readonly subdir: string }
  | {
      /** Under the object's own name. */
      readonly row: ListingRow;
      /** 'null' for what is in force and never was a version. */
      readonly versionId: Timestamp | 'null';
      readonly latest: boolean;
    };

export interface VersionsPage {
  readonly info: DatabaseInfo;
  readonly entries: readonly VersionEntry[];
  readonly truncated: boolean;
}

/** A page of versions. Throws `container-not-found` where there is no such container. */
export async function listVersions(containers: Containers, name: ContainerName, query: VersionsQuery): Promise<VersionsPage> {
  const { limit, marker, prefix, delimiter, reverse, versionMarker } = query;
  const [inForce, kept, ofMarker] = await Promise.all([
    containers.list(name, { limit, marker, endMarker: '', prefix, delimiter, reverse }),
    keptPage(containers, name, query),
    versionMarker === undefined ? undefined : rowOf(containers, name, marker),
  ]);
  const current = new Map<string, ListingRow>();
  for (const row of [...inForce.entries, ...(ofMarker === undefined ? [] : [ofMarker])]) if (!isSubdirectory(row)) current.set(row.name, row);
  const nulls = (row: ListingRow): VersionEntry[] => (linkedVersion(row) === undefined ? [{ row, versionId: 'null', latest: true }] : []);
  const entries = [
    ...inForce.entries.flatMap((entry) => (isSubdirectory(entry) ? [entry] : nulls(entry))),
    ...(ofMarker !== undefined && reverse && versionMarker !== 'null' ? nulls(ofMarker) : []),
    ...versionEntries(kept, current, query),
  ];
  const sorted = withoutDoubles(entries.sort((a, b) => (reverse ? compareEntries(b, a) : compareEntries(a, b))));
  return { info: inForce.info, entries: sorted.slice(0, limit), truncated: inForce.truncated || kept?.truncated === true || sorted.length > limit };
}

/** A page of the reserved container; undefined where there is none. */
async function keptPage(containers: Containers, name: ContainerName, { limit, marker, prefix, delimiter, reverse, versionMarker }: VersionsQuery): Promise<ListingPage | undefined> {
  const from = marker === '' ? '' : markerName(marker, versionMarker, reverse);
  return containers.list(versionsContainer(name), { limit, marker: from, endMarker: '', prefix: VERSION_NAMES.prefix(prefix), delimiter, reverse }).catch((error: unknown) => {
    if (isStoreError(error, 'container-not-found')) return undefined;
    throw error;
  });
}

function markerName(marker: string, versionMarker: VersionsQuery['versionMarker'], reverse: boolean): string {
  if (versionMarker === undefined) return reverse ? VERSION_NAMES.before(marker) : VERSION_NAMES.after(marker);
  return versionMarker === 'null' ? VERSION_NAMES.before(marker) : versionName(marker, versionMarker);
}

async function rowOf(containers: Containers, name: ContainerName, object: string): Promise<ListingRow | undefined> {
  const { entries } = await containers.list(name, { limit: 1, marker: '', endMarker: '', prefix: object, delimiter: '', reverse: false });
  const [row] = entries;
  return row !== undefined && !isSubdirectory(row) && row.name === object ? row : undefined;
}

/** The version that a row in force links to. */
function linkedVersion(row: ListingRow): Timestamp | undefined {
  const { link } = parseListed(row.etag);
  return link === undefined ? undefined : versionOfLink(link.target);
}

function versionEntries(page: ListingPage | undefined, current: ReadonlyMap<string, ListingRow>, { reverse, marker, versionMarker }: VersionsQuery): VersionEntry[] {
  const rows = page?.entries ?? [];
  const newest = new Map<string, Timestamp>();
  const named = rows.flatMap((entry) => (isSubdirectory(entry) ? [] : [{ entry, name: parseVersionName(entry.name) }]));
  for (const { name } of named) if (name !== undefined) newest.set(name.object, Math.max(newest.get(name.object) ?? 0, name.versionId) as Timestamp);
  // Of the name that the page begins in, going down, newer versions were on the page before.
  if (versionMarker !== undefined && !reverse) newest.set(marker, Infinity as Timestamp);
  const isLatest = (row: ListingRow, object: string, versionId: Timestamp): boolean => {
    const held = current.get(object);
    if (held !== undefined) return linkedVersion(held) === versionId;
    return row.contentType === DELETE_MARKER_TYPE && newest.get(object) === versionId;
  };
  const subdirectories = rows.flatMap((entry: ListingEntry): VersionEntry[] => (isSubdirectory(entry) ? [{ subdir: VERSION_NAMES.object(entry.subdir) }] : []));
  const versions = named.flatMap(({ entry, name }): VersionEntry[] =>
    name === undefined ? [] : [{ row: { ...entry, name: name.object }, versionId: name.versionId, latest: isLatest(entry, name.object, name.versionId) }],
  );
  return [...subdirectories, ...versions];
}

function compareEntries(a: VersionEntry, b: VersionEntry): number {
  const names = compareNames('subdir' in a ? a.subdir : a.row.name, 'subdir' in b ? b.subdir : b.row.name);
  if (names !== 0 || 'subdir' in a || 'subdir' in b) return names;
  return orderOf(b.versionId) - orderOf(a.versionId);
}

function orderOf(versionId: Timestamp | 'null'): number {
  return versionId === 'null' ? Number.MAX_SAFE_INTEGER : versionId;
}

/** Both listings may roll up the same names. */
function withoutDoubles(entries: readonly VersionEntry[]): VersionEntry[] {
  return entries.filter((entry, i) => {
    const before = entries[i - 1];
    return !('subdir' in entry && before !== undefined && 'subdir' in before && before.subdir === entry.subdir);
  });
}
