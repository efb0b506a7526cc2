/** Deleting one object or one version, for the request that names it and for the one that names a thousand. */
import { isStoreError, timestampFromMs } from '#common';
import { CONTENT_TYPE, DELETE_MARKER_TYPE, versionOf, versionTarget, type ObjectName, type Store, type WriteCondition } from '#proxy/core';
import type { ObjectInfo } from '#storage-node/protocol';
import { authorize } from '../access/authorize.ts';
import type { Bucket } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import type { ObjectRequest } from '../request.ts';
import { asksBypass, refuseLocked } from './lock.ts';
import type { VersionId } from './version-id.ts';

export interface Deleted {
  /** The version that ended, or the marker that was made. */
  readonly versionId: VersionId | undefined;
  /** Whether a marker was made, or ended. */
  readonly marker: boolean;
}

/** What was not there is deleted too. Throws where the caller may not, a condition does not hold, or a lock does. */
export async function deleteOne(request: ObjectRequest, versionId: VersionId | undefined, condition: WriteCondition | undefined): Promise<Deleted> {
  const { key } = request;
  authorize(request, { action: versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', permission: 'WRITE', key });
  const deleted = await (versionId === undefined ? deleteCurrent(request, condition) : deleteVersion(request, versionId, condition));
  await noteDeleted(request, deleted, { made: versionId === undefined, kind: 's3:ObjectRemoved' });
  return deleted;
}

/** Tells of a version that ended, or of a marker that was made; of what has no versions the write itself tells. */
export async function noteDeleted({ notifications, bucket, target, store }: Pick<ObjectRequest, 'notifications' | 'bucket' | 'target' | 'store'>, { versionId }: Deleted, { made, kind }: { made: boolean; kind: string }): Promise<void> {
  if (versionId === undefined || bucket.versioning === undefined) return;
  await notifications.note(bucket, `${kind}:Delete${made ? 'MarkerCreated' : ''}`, target, { at: timestampFromMs(store.cluster.clock.nowMs()), versionId });
}

/** What a DELETE does without a version; nobody is asked whether he may. */
export async function deleteCurrent({ store, bucket, target }: Pick<ObjectRequest, 'store' | 'bucket' | 'target'>, condition: WriteCondition | undefined): Promise<Deleted> {
  switch (bucket.versioning) {
    case 'Enabled': {
      if (condition !== undefined && (await isNothing(store, target, condition))) return { versionId: undefined, marker: false };
      const { versionId } = await store.versions.delete(target, bucket.summary, { condition });
      return { versionId, marker: true };
    }
    case 'Suspended':
      if (condition !== undefined && (await isNothing(store, target, condition))) return { versionId: undefined, marker: false };
      await store.nullVersions.delete(target, bucket.summary, { condition });
      return { versionId: 'null', marker: true };
    case undefined: {
      let doomed: ObjectInfo | undefined;
      const noting: WriteCondition = (current) => {
        condition?.(current);
        doomed = current;
      };
      await store.objects.delete(target, { condition: noting }).catch(ifMissing);
      if (doomed !== undefined) await store.uploads.release(target, doomed.metadata);
      return { versionId: undefined, marker: false };
    }
  }
}

/** Whether there is nothing that a condition could hold of: then nothing is done. Where a marker is on top, it is what the condition is asked of. */
async function isNothing(store: Store, target: ObjectName, condition: WriteCondition): Promise<boolean> {
  if ((await store.objects.head(target).catch(ifMissing)) !== undefined) return false;
  const newest = await store.nullVersions.newest(target);
  if (newest?.isMarker === true) condition(await store.objects.head(versionTarget(target, newest.versionId)));
  return newest === undefined;
}

async function deleteVersion(request: ObjectRequest, versionId: VersionId, condition: WriteCondition | undefined): Promise<Deleted> {
  const { store, target, key } = request;
  const place = await placeOf(request, versionId);
  const info = place === undefined ? undefined : await store.objects.head(place.name).catch(ifMissing);
  if (place === undefined || info === undefined) {
    condition?.(undefined);
    return { versionId, marker: false };
  }
  condition?.(info);
  refuseLocked(request, info.metadata, key, asksBypass(request));
  await endAt(store, target, place);
  await store.uploads.release(target, info.metadata);
  return { versionId, marker: info.metadata[CONTENT_TYPE] === DELETE_MARKER_TYPE };
}

/** Ends a version for good, locked or not; false where it is gone. */
export async function endVersion(store: Store, bucket: Bucket, target: ObjectName, versionId: VersionId): Promise<boolean> {
  const place = await placeOf({ store, target, bucket }, versionId);
  const info = place === undefined ? undefined : await store.objects.head(place.name).catch(ifMissing);
  if (place === undefined || info === undefined) return false;
  await endAt(store, target, place);
  await store.uploads.release(target, info.metadata);
  return true;
}

async function endAt(store: Store, target: ObjectName, { kept }: Place): Promise<void> {
  if (kept !== undefined) return store.nullVersions.end(target, kept);
  await store.objects.delete(target).catch(ifMissing);
  await store.nullVersions.settle(target);
}

interface Place {
  readonly name: ObjectName;
  readonly kept: Exclude<VersionId, 'null'> | undefined;
}

/** Where a version is: `kept` says as which of the kept ones, undefined for the object itself. */
async function placeOf({ store, target, bucket }: Pick<ObjectRequest, 'store' | 'bucket' | 'target'>, versionId: VersionId): Promise<Place | undefined> {
  if (versionId !== 'null') return { name: versionTarget(target, versionId), kept: versionId };
  const current = await store.objects.head(target).catch(ifMissing);
  if (current !== undefined && versionOf(current) === undefined) return { name: target, kept: undefined };
  const kept = bucket.versioning === undefined ? undefined : await store.nullVersions.find(target);
  return kept === undefined ? undefined : { name: versionTarget(target, kept), kept };
}

function ifMissing(error: unknown): undefined {
  if (isStoreError(error, 'object-not-found')) return undefined;
  // A container of versions that was never made holds none.
  if (isStoreError(error, 'container-not-found') && !(error instanceof S3Error)) return undefined;
  throw error;
}
