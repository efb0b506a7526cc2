/**
 * The older two kinds of versioning ("Versioned writes"): what is overwritten is copied to a container that the user names, under a name
 * that tells the object and the time. In `stack` mode (X-Versions-Location) a DELETE brings back the latest; in `history` mode
 * (X-History-Location) it leaves a marker there. The archive is the user's own, yet a writer needs no right on it.
 */
import { formatTimestamp, isStoreError, type Timestamp } from '#common';
import { percentDecode } from '#common/http';
import { bodyOfBuffer } from '#common/stream';
import { CONTENT_TYPE, copyStored, DELETE_MARKER_TYPE, SYSTEM_PREFIX, type ContainerSummary, type ObjectName } from '#proxy/core';
import { changedAt, isSubdirectory, type ListingRow } from '#storage-node/protocol';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';

/** Container metadata: the archive's name as the client sent it, and the mode. */
export const ARCHIVE = `${SYSTEM_PREFIX}versions-location`;
export const ARCHIVE_MODE = `${SYSTEM_PREFIX}versions-mode`;

const PAGE = 1000;

/** Keeps what a PUT is about to overwrite. */
export async function archiveCurrent(request: ObjectRequest, container: ContainerSummary): Promise<void> {
  const { store } = request;
  const info = await store.objects.head(request).catch(ifMissing);
  if (info === undefined) return;
  const time = changedAt(info);
  await copyStored(store.objects, request, archived(request, container, time)).catch((error: unknown) => {
    if (!isStoreError(error, 'object-not-found')) archiveFault(error);
  });
}

/** A DELETE in `history` mode keeps what is there and when it ended; in `stack` mode it answers whether the latest was brought back instead. */
export async function archiveDelete(request: ObjectRequest, container: ContainerSummary): Promise<'restored' | 'delete'> {
  if (container.metadata[ARCHIVE_MODE] === 'history') {
    await archiveCurrent(request, container);
    const target = archived(request, container, request.store.cluster.timestamps.now());
    await request.store.objects.put({ target, body: bodyOfBuffer(Buffer.alloc(0)), metadata: { [CONTENT_TYPE]: DELETE_MARKER_TYPE } }).catch(archiveFault);
    return 'delete';
  }
  return popLatest(request, container);
}

async function popLatest(request: ObjectRequest, container: ContainerSummary): Promise<'restored' | 'delete'> {
  const { store } = request;
  const rows = latestFirst(request, container);
  for await (const row of rows) {
    const version = { ...archiveOf(request, container), object: row.name };
    if (row.contentType === DELETE_MARKER_TYPE) {
      // A marker on top of an object that is there: the delete goes back to the state that the marker tells of.
      if ((await store.objects.head(request).catch(ifMissing)) !== undefined) return 'delete';
      for await (const older of rows) {
        if (older.contentType === DELETE_MARKER_TYPE) break;
        if (await restore(request, { ...version, object: older.name })) break;
      }
      await store.objects.delete(version).catch(ifMissing);
      return 'restored';
    }
    if (await restore(request, version)) return 'restored';
  }
  return 'delete';
}

/** False where the version is gone meanwhile. */
async function restore({ store, account, container, object }: ObjectRequest, version: ObjectName): Promise<boolean> {
  try {
    await copyStored(store.objects, version, { account, container, object });
  } catch (error) {
    if (isStoreError(error, 'object-not-found')) return false;
    throw error;
  }
  await store.objects.delete(version).catch(ifMissing);
  return true;
}

async function* latestFirst(request: ObjectRequest, container: ContainerSummary): AsyncGenerator<ListingRow, void> {
  const { store } = request;
  const prefix = archivePrefix(request.object);
  for (let marker = ''; ; ) {
    const page = await store.containers.list(archiveOf(request, container), { limit: PAGE, marker, endMarker: '', prefix, delimiter: '', reverse: true }).catch((error: unknown) => {
      if (isStoreError(error, 'container-not-found')) return undefined;
      throw error;
    });
    for (const entry of page?.entries ?? []) {
      if (isSubdirectory(entry)) continue;
      marker = entry.name;
      yield entry;
    }
    if (page?.truncated !== true) return;
  }
}

function archiveOf({ account }: ObjectRequest, { metadata }: ContainerSummary): { account: string; container: string } {
  const [container = ''] = (percentDecode(metadata[ARCHIVE] ?? '') ?? '').split('/');
  return { account, container };
}

function archived(request: ObjectRequest, container: ContainerSummary, time: Timestamp): ObjectName {
  return { ...archiveOf(request, container), object: `${archivePrefix(request.object)}${formatTimestamp(time)}` };
}

/** The length of the name in bytes, so that no object's versions are among another's. */
function archivePrefix(object: string): string {
  return `${Buffer.byteLength(object).toString(16).padStart(3, '0')}${object}/`;
}

/** An archive that is not there, or does not take it, is a precondition of the write; else the write waits for better times. */
function archiveFault(error: unknown): never {
  if (isStoreError(error, 'container-not-found', 'bad-request', 'forbidden', 'name-too-long')) throw new Refusal(412);
  throw error;
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'object-not-found')) throw error;
  return undefined;
}
