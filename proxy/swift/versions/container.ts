/** What a container says of the versions that it keeps, in either way, and how a PUT or POST changes it. */
import type { IncomingHttpHeaders } from 'node:http';
import { isStoreError } from '#common';
import { VERSIONS, versionsContainer } from '#proxy/core';
import { SYNC_TO } from '../privileged.ts';
import { Refusal } from '../refusal.ts';
import { isTrue, type ContainerRequest } from '../request.ts';
import { ARCHIVE, ARCHIVE_MODE } from './legacy.ts';

type Current = Readonly<Record<string, string>>;

/** The metadata changes that the headers ask for, of a container that has `current`. */
export function versioningChanges(headers: IncomingHttpHeaders, current: Current): Record<string, string> {
  const changes = archiveChanges(headers);
  const enabled = headers['x-versions-enabled'];
  if (typeof enabled !== 'string') return changes;
  if ((changes[ARCHIVE] ?? current[ARCHIVE] ?? '') !== '') {
    throw new Refusal(400, 'Cannot enable object versioning on a container that is already using the legacy versioned writes feature.');
  }
  if (isTrue(enabled) && (current[SYNC_TO] ?? '') !== '') throw new Refusal(400, 'Cannot enable object versioning on a container configured as source of container syncing.');
  return { ...changes, [VERSIONS]: isTrue(enabled) ? 'enabled' : 'suspended' };
}

function archiveChanges(headers: IncomingHttpHeaders): Record<string, string> {
  const stack = headers['x-versions-location'];
  const history = headers['x-history-location'];
  if (typeof stack === 'string' && typeof history === 'string' && stack !== '' && history !== '') {
    throw new Refusal(400, 'Only one of x-versions-location or x-history-location may be specified', { 'Content-Type': 'text/plain' });
  }
  const location = [stack, history].find((value): value is string => typeof value === 'string' && value !== '');
  if (location !== undefined) {
    if (location.includes('/')) throw new Refusal(412, 'Container name cannot contain slashes');
    return { [ARCHIVE]: location, [ARCHIVE_MODE]: location === stack ? 'stack' : 'history' };
  }
  const emptied = stack === '' || history === '' || Boolean(headers['x-remove-versions-location']) || Boolean(headers['x-remove-history-location']);
  return emptied ? { [ARCHIVE]: '', [ARCHIVE_MODE]: '' } : {};
}

/** The headers that show it. */
export function versioningHeaders(metadata: Current): Record<string, string> {
  const archive = metadata[ARCHIVE];
  const versions = metadata[VERSIONS];
  return {
    ...(archive === undefined ? {} : { [metadata[ARCHIVE_MODE] === 'history' ? 'X-History-Location' : 'X-Versions-Location']: archive }),
    ...(versions === undefined ? {} : { 'X-Versions-Enabled': versions === 'enabled' ? 'True' : 'False' }),
  };
}

/** Bytes of the versions kept beside what is in force. */
export async function versionBytes({ store, account, container }: ContainerRequest, metadata: Current): Promise<number> {
  if (metadata[VERSIONS] === undefined) return 0;
  try {
    return (await store.containers.info(versionsContainer({ account, container }))).totals.bytes;
  } catch (error) {
    if (isStoreError(error, 'container-not-found')) return 0;
    throw error;
  }
}

/** Before a container is deleted: refuses while versions are kept, then ends where they were. */
export async function deleteVersionsContainer({ store, account, container }: ContainerRequest): Promise<void> {
  const place = versionsContainer({ account, container });
  try {
    await store.containers.delete(place);
  } catch (error) {
    if (isStoreError(error, 'container-not-empty')) throw new Refusal(409, 'Delete all versions before deleting container.');
    if (!isStoreError(error, 'container-not-found')) throw error;
  }
}
