/**
 * Listing by `path`, Swift's oldest way to show directories: the objects directly in one, and of its subdirectories those
 * that have a marker object (`photos/`); nothing is rolled up, and the directory's own marker is not in itself.
 */
import { isSubdirectory, type ListingEntry, type ListingPage, type ListingQuery } from '#storage-node/protocol';

/** A page of `path`. `list` answers pages of the container. */
export async function listDirectory(list: (query: ListingQuery) => Promise<ListingPage>, path: string, query: ListingQuery): Promise<ListingPage> {
  const prefix = path === '' ? '' : `${withoutSlashesAtEnd(path)}/`;
  const entries: ListingEntry[] = [];
  let marker = query.marker;
  for (;;) {
    const page = await list({ ...query, prefix, delimiter: '/', marker });
    const markers = await Promise.all(page.entries.map(async (entry) => (isSubdirectory(entry) ? markerObject(list, query, entry.subdir) : entry)));
    entries.push(...markers.filter((entry) => entry !== undefined && !isSubdirectory(entry) && entry.name !== prefix) as ListingEntry[]);
    const last = page.entries.at(-1);
    if (!page.truncated || entries.length >= query.limit || last === undefined) {
      return { info: page.info, entries: entries.slice(0, query.limit), truncated: page.truncated || entries.length > query.limit };
    }
    marker = isSubdirectory(last) ? last.subdir : last.name;
  }
}

/** Walks back from the end: a pattern would start anew at each of many slashes in the middle. */
function withoutSlashesAtEnd(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end--;
  return path.slice(0, end);
}

async function markerObject(list: (query: ListingQuery) => Promise<ListingPage>, query: ListingQuery, subdir: string): Promise<ListingEntry | undefined> {
  const { entries } = await list({ ...query, marker: '', endMarker: '', reverse: false, prefix: subdir, delimiter: '', limit: 1 });
  const [first] = entries;
  return first !== undefined && !isSubdirectory(first) && first.name === subdir ? first : undefined;
}
