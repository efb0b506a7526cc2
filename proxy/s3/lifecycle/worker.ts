/**
 * Ends what the rules of buckets say: objects, versions, lone markers and uploads that nobody completed; and the parts of uploads whose
 * object was overwritten. Every bucket is claimed in one registry, so a pass finds them all. What it does is what a client's request would
 * do, on the condition that nothing changed since it looked; passes of several proxies do each other no harm.
 */
import { isStoreError, StoreError, timestampToMs, type Clock, type Daemon, type Log, type Timestamp } from '#common';
import { COMPLETED_TYPE, DELETE_MARKER_TYPE, listVersions, parseListed, UPLOAD_ID, uploadOfRow, versionOf, versionTarget, type ObjectName, type Store, type VersionEntry } from '#proxy/core';
import { isSubdirectory } from '#storage-node/protocol';
import type { Bucket} from '../bucket/bucket.ts';
import { findBucketOf } from '../bucket/bucket.ts';
import { causing } from '../notifications/cause.ts';
import type { Notifications } from '../notifications/notifications.ts';
import { deleteCurrent, endVersion, noteDeleted } from '../object/delete.ts';
import { isLocked } from '../object/lock.ts';
import { shownRow } from '../object/listing.ts';
import { tagsOf } from '../object/metadata.ts';
import type { VersionId } from '../object/version-id.ts';
import { afterDays, expiresAt, hasTags, isFor, lifecycleOf, type Candidate } from './due.ts';
import type { LifecycleRule } from './rules.ts';

export interface LifecycleOptions {
  readonly store: Store;
  readonly notifications: Notifications;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs: number;
  /** How long a day is; other than a real one only in tests. */
  readonly dayMs: number;
}

const PAGE = 1000;
/** An upload that was completed so long ago has its object listed, or will never have. */
const SETTLED_MS = 60_000;

interface Done {
  expired: number;
  versions: number;
  markers: number;
  uploads: number;
  parts: number;
  failed: number;
}

export function lifecycleWorker(options: LifecycleOptions): Daemon {
  const { store, log, intervalMs } = options;
  return {
    name: 's3-lifecycle',
    intervalMs,
    pass: async (signal) => {
      const done: Done = { expired: 0, versions: 0, markers: 0, uploads: 0, parts: 0, failed: 0 };
      for await (const place of store.buckets.all()) {
        if (signal.aborted) break;
        try {
          await workOn(options, await findBucketOf(store, place), done, signal);
        } catch (error) {
          if (isStoreError(error) || (error instanceof Error && error.name === 'S3Error')) {
            done.failed++;
            log.info({ err: error, bucket: place.container }, 'a bucket could not be looked after; the next pass does');
          } else {
            throw error;
          }
        }
      }
      return { done: { ...done }, more: false };
    },
    report: () => ({}),
  };
}

async function workOn(options: LifecycleOptions, bucket: Bucket, done: Done, signal: AbortSignal): Promise<void> {
  const rules = lifecycleOf(bucket).filter(({ enabled }) => enabled);
  await workOnUploads(options, bucket, rules, done, signal);
  if (!rules.some(({ expiration, noncurrent }) => expiration !== undefined || noncurrent !== undefined)) return;
  let group: VersionOf[] = [];
  for await (const entry of allVersions(options.store, bucket)) {
    if (signal.aborted) return;
    if (group[0] !== undefined && group[0].key !== entry.key) {
      await workOnKey(options, bucket, { rules, versions: group }, done);
      group = [];
    }
    group.push(entry);
  }
  if (group.length > 0) await workOnKey(options, bucket, { rules, versions: group }, done);
}

/** A version, or what is in force without being one. */
interface VersionOf extends Candidate {
  readonly versionId: VersionId;
  readonly latest: boolean;
  readonly marker: boolean;
}

async function* allVersions(store: Store, bucket: Bucket): AsyncGenerator<VersionOf> {
  let marker = '';
  let versionMarker: Timestamp | 'null' | undefined;
  for (;;) {
    const page = await listVersions(store.containers, bucket, { limit: PAGE, marker, versionMarker, prefix: '', delimiter: '', reverse: false });
    for (const entry of page.entries) if (!('subdir' in entry)) yield versionOfEntry(entry);
    const last = page.entries.at(-1);
    if (!page.truncated || last === undefined || 'subdir' in last) return;
    [marker, versionMarker] = [last.row.name, last.versionId];
  }
}

function versionOfEntry({ row, versionId, latest }: Exclude<VersionEntry, { subdir: string }>): VersionOf {
  const modifiedMs = timestampToMs(versionId === 'null' ? row.timestamp : versionId);
  return { key: row.name, bytes: shownRow(row).bytes, modifiedMs, versionId: parseListed(row.etag).isNull ? 'null' : versionId, latest, marker: row.contentType === DELETE_MARKER_TYPE };
}

async function workOnKey(options: LifecycleOptions, bucket: Bucket, { rules, versions }: { rules: readonly LifecycleRule[]; versions: readonly VersionOf[] }, done: Done): Promise<void> {
  const [first] = versions;
  if (first === undefined) return;
  const nowMs = options.clock.nowMs();
  const tags = rules.some((rule) => rule.tags.length > 0);
  for (const [i, version] of versions.entries()) {
    const target = { account: bucket.account, container: bucket.container, object: version.key };
    const own = await matching(options.store, { rules, tags, target, version });
    if (version.latest && !version.marker) {
      if (own.some((rule) => (expiresAt(rule, version.modifiedMs, options.dayMs) ?? Infinity) <= nowMs)) await expireCurrent(options, bucket, target, version, done);
    } else if (version.latest) {
      const alone = versions.length === 1;
      const due = own.some((rule) => rule.expiration?.marker === true || (expiresAt(rule, version.modifiedMs, options.dayMs) ?? Infinity) <= nowMs);
      if (alone && due && (await end(options, bucket, target, version))) done.markers++;
    } else {
      const since = versions[i - 1]!.modifiedMs;
      const newer = versions.slice(0, i).filter(({ latest }) => !latest).length;
      const due = own.some(({ noncurrent }) => noncurrent !== undefined && newer >= (noncurrent.newer ?? 0) && afterDays(since, noncurrent.days, options.dayMs) <= nowMs);
      if (due && !(await isHeld(options.store, target, version)) && (await end(options, bucket, target, version))) done.versions++;
    }
  }
}

/** The rules that are for a version: its tags are read only where a rule asks for them. */
async function matching(store: Store, { rules, tags, target, version }: { rules: readonly LifecycleRule[]; tags: boolean; target: ObjectName; version: VersionOf }): Promise<LifecycleRule[]> {
  const fitting = rules.filter((rule) => isFor(rule, version));
  if (!tags || !fitting.some((rule) => rule.tags.length > 0)) return fitting;
  const info = await store.objects.head(await placeOf(store, target, version)).catch(ifMissing);
  const held = tagsOf(info?.metadata ?? {});
  return fitting.filter((rule) => hasTags(rule, held));
}

async function placeOf(store: Store, target: ObjectName, { versionId, latest }: VersionOf): Promise<ObjectName> {
  if (versionId !== 'null') return versionTarget(target, versionId);
  const kept = latest ? undefined : await store.nullVersions.find(target);
  return kept === undefined ? target : versionTarget(target, kept);
}

async function isHeld(store: Store, target: ObjectName, version: VersionOf): Promise<boolean> {
  const info = await store.objects.head(await placeOf(store, target, version)).catch(ifMissing);
  return info !== undefined && isLocked(info.metadata, store.cluster.clock.nowMs());
}

/** Who does it, as those are told who want to hear of it. */
const US = { principalId: 's3.amazonaws.com', sourceIp: 's3.amazonaws.com', requestId: '' };

async function end({ store, notifications }: LifecycleOptions, bucket: Bucket, target: ObjectName, { versionId, marker }: VersionOf): Promise<boolean> {
  if (!(await causing(US, () => endVersion(store, bucket, target, versionId)))) return false;
  await causing(US, () => noteDeleted({ store, notifications, bucket, target }, { versionId, marker }, { made: false, kind: 's3:LifecycleExpiration' }));
  return true;
}

/** What a DELETE would do, where the object is still the one that was seen. */
async function expireCurrent({ store, notifications }: LifecycleOptions, bucket: Bucket, target: ObjectName, version: VersionOf, done: Done): Promise<void> {
  try {
    const deleted = await causing({ ...US, delete: 's3:LifecycleExpiration:Delete' }, () => deleteCurrent({ store, bucket, target }, (current) => {
      const seen = current === undefined ? undefined : (versionOf(current) ?? current.timestamp);
      if (seen === undefined || Math.abs(timestampToMs(seen) - version.modifiedMs) > 1) throw new StoreError('precondition-failed', 'another object is there by now');
    }));
    await causing(US, () => noteDeleted({ store, notifications, bucket, target }, deleted, { made: true, kind: 's3:LifecycleExpiration' }));
    done.expired++;
  } catch (error) {
    if (!isStoreError(error, 'precondition-failed', 'object-not-found', 'conflict')) throw error;
  }
}

/** Uploads that are open for too long, and parts of those whose object is gone. */
async function workOnUploads({ store, clock, dayMs }: LifecycleOptions, bucket: Bucket, rules: readonly LifecycleRule[], done: Done, signal: AbortSignal): Promise<void> {
  for (let marker = ''; ; ) {
    const page = await store.uploads.list(bucket, { prefix: '', delimiter: '', marker, limit: PAGE });
    for (const row of page.entries) {
      if (isSubdirectory(row) || signal.aborted) continue;
      marker = row.name;
      const upload = uploadOfRow(row);
      if (upload === undefined) continue;
      const target = { account: bucket.account, container: bucket.container, object: upload.object };
      const startedMs = timestampToMs(upload.startedAt);
      if (row.contentType === COMPLETED_TYPE) {
        if (timestampToMs(row.timestamp) + SETTLED_MS < clock.nowMs() && !(await isUsed(store, target, upload.id))) {
          await store.uploads.release(target, { [UPLOAD_ID]: upload.id });
          done.parts++;
        }
      } else if (rules.some((rule) => rule.abortDays !== undefined && upload.object.startsWith(rule.prefix) && afterDays(startedMs, rule.abortDays, dayMs) <= clock.nowMs())) {
        await store.uploads.abort(target, upload.id).catch(ifMissing);
        done.uploads++;
      }
    }
    if (!page.truncated || signal.aborted) return;
  }
}

/** Whether the object, or any version of it, is made of the upload's parts. */
async function isUsed(store: Store, target: ObjectName, id: string): Promise<boolean> {
  const current = await store.objects.head(target).catch(ifMissing);
  if (current?.metadata[UPLOAD_ID] === id) return true;
  for await (const { versionId } of store.nullVersions.kept(target)) {
    const info = await store.objects.head(versionTarget(target, versionId)).catch(ifMissing);
    if (info?.metadata[UPLOAD_ID] === id) return true;
  }
  return false;
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'object-not-found', 'container-not-found')) throw error;
  return undefined;
}
