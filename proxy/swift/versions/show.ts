/** How versions are named in requests and answers. */
import { formatTimestamp, isStoreError, parseTimestamp, type Timestamp } from '#common';
import { percentEncodePath } from '#common/http';
import { VERSIONS, type ContainerSummary, type ObjectName } from '#proxy/core';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';

export const VERSION_ID = 'X-Object-Version-Id';

/** The version that a request names: a timestamp, 'null' for what never was one; undefined where it names none. */
export function versionIdOf({ query }: ObjectRequest, container: ContainerSummary | undefined): Timestamp | 'null' | undefined {
  const text = query.get('version-id');
  if (text === undefined || text === '') return undefined;
  if (text === 'null') return 'null';
  if (container?.metadata[VERSIONS] === undefined) throw new Refusal(400, 'version-aware operations require that the container is versioned');
  try {
    return parseTimestamp(text);
  } catch (error) {
    if (isStoreError(error, 'bad-request')) throw new Refusal(400, 'Invalid version parameter');
    throw error;
  }
}

/** The headers with which an answer names a version, given as its id. */
export function versionHeaders(versionId: Timestamp): Record<string, string> {
  return { [VERSION_ID]: formatTimestamp(versionId) };
}

/** `/v1/account/container/object?version-id=...`: where a version can be had. */
export function versionPath({ account, container, object }: ObjectName, versionId: Timestamp): string {
  return `/v1/${percentEncodePath(`${account}/${container}/${object}`)}?version-id=${formatTimestamp(versionId)}`;
}
