/** An account's listing counts what its containers keep of the past with the containers themselves. */
import { versionedContainer, versionsContainer, type Store } from '#proxy/core';
import { entryName, isSubdirectory, type ListingEntry } from '#storage-node/protocol';
import { CONSTRAINTS } from '../constraints.ts';

/** The entries with the bytes of their versions. */
export async function withVersions(store: Store, account: string, entries: readonly ListingEntry[]): Promise<readonly ListingEntry[]> {
  const names = entries.map(entryName);
  const [first, last] = [names[0], names.at(-1)];
  if (first === undefined || last === undefined) return entries;
  const bytes = await keptBytes(store, account, first < last ? { first, last } : { first: last, last: first });
  if (bytes.size === 0) return entries;
  return entries.map((entry) => (isSubdirectory(entry) ? entry : { ...entry, bytes: entry.bytes + (bytes.get(entry.name) ?? 0) }));
}

/** Bytes of versions by container, of those from `first` to `last`. */
async function keptBytes(store: Store, account: string, { first, last }: { first: string; last: string }): Promise<ReadonlyMap<string, number>> {
  const place = (container: string): string => versionsContainer({ account, container }).container;
  const bytes = new Map<string, number>();
  // A marker is not in its page itself: what `first` begins with comes before it.
  for (let marker = place(first.slice(0, -1)); ; ) {
    const page = await store.accounts.listReserved(account, { prefix: place(''), marker, endMarker: `${place(last)}\0`, limit: CONSTRAINTS.account_listing_limit });
    for (const entry of page?.entries ?? []) {
      if (isSubdirectory(entry)) continue;
      bytes.set(versionedContainer(entry.name) ?? '', entry.bytes);
      marker = entry.name;
    }
    if (page?.truncated !== true) return bytes;
  }
}
