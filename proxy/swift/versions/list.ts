/** GET of a container with `?versions`: every version of every object, in JSON only. */
import { formatTimestamp, isStoreError, parseTimestamp, type Timestamp } from '#common';
import { listVersions, type VersionEntry, type VersionsPage } from '#proxy/core';
import { listingFormat, rowFields } from '../listing/format.ts';
import { listingQuery } from '../listing/query.ts';
import { CONSTRAINTS } from '../constraints.ts';
import { Refusal } from '../refusal.ts';
import type { ContainerRequest } from '../request.ts';

export function versionsPage({ store, account, container, query }: ContainerRequest): Promise<VersionsPage> {
  const { endMarker: _, ...listing } = listingQuery(query, CONSTRAINTS.container_listing_limit);
  const versionMarker = versionMarkerOf(query);
  // A delimiter of what times are made of would cut names where there is none.
  if (/[0-9.\0]/.test(listing.delimiter)) throw new Refusal(400, 'invalid delimiter param');
  return listVersions(store.containers, { account, container }, { ...listing, versionMarker });
}

function versionMarkerOf(query: ReadonlyMap<string, string>): Timestamp | 'null' | undefined {
  const text = query.get('version_marker');
  if (text === undefined) return undefined;
  if (!query.has('marker')) throw new Refusal(400, 'version_marker param requires marker');
  if (text === 'null') return 'null';
  try {
    return parseTimestamp(text);
  } catch (error) {
    if (isStoreError(error, 'bad-request')) throw new Refusal(400, 'invalid version_marker param');
    throw error;
  }
}

/** Refuses what a list of versions is not written in. */
export function assertJson({ query, exchange }: ContainerRequest): void {
  const format = query.get('format');
  const accept = exchange.header('accept');
  const unspecified = (format ?? '') === '' && (accept ?? '') === '';
  if (unspecified) return;
  const offered = (format ?? '') !== '' ? listingFormat(format, undefined) : accepts(accept!);
  if (offered !== 'application/json') throw new Refusal(406);
}

function accepts(accept: string): string {
  return /(?:application\/json|application\/\*|\*\/\*)/i.test(accept) ? 'application/json' : accept;
}

export function formatVersions(entries: readonly VersionEntry[]): string {
  return JSON.stringify(
    entries.map((entry) => {
      if ('subdir' in entry) return entry;
      const { row, versionId, latest } = entry;
      return { ...rowFields(row), is_latest: latest, version_id: versionId === 'null' ? 'null' : formatTimestamp(versionId) };
    }),
  );
}
