/** What a GET, a HEAD or a copy sees of a key: which version, what it stands for, and its bytes. */
import { isStoreError, StoreError, timestampToMs } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { DELETE_MARKER_TYPE, CONTENT_TYPE, DYNAMIC, ETAG, linkOf, MANIFEST_ETAG, NULL_VERSION, versionOfLink, versionTarget, type ManifestEntry, type Link, type ObjectName, type Keymaster, type Part, type OpenObject } from '#proxy/core';
import type { ObjectInfo } from '#storage-node/protocol';
import { authorize, isAllowed } from '../access/authorize.ts';
import type { Permission } from '../access/acl.ts';
import { checkReadKey, clientKeyOf } from './encryption.ts';
import { findBucketOf } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import type { ObjectRequest } from '../request.ts';
import { shownBytes, shownEtag } from './conditions.ts';
import { dynamicBytes } from './dynamic.ts';
import { partsOf, readSegments } from './segments.ts';
import { formatVersionId, versionIdOf, type VersionId } from './version-id.ts';

export interface Seen extends AsyncDisposable {
  readonly info: ObjectInfo;
  /** Where it is stored: of a version, that. */
  readonly place: ObjectName;
  /** Undefined in buckets that never kept versions. */
  readonly versionId: VersionId | undefined;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedSeconds: number;
  /** Of other objects, of which none has been read that could show that it cannot be. */
  readonly made: boolean;
  /** Whole, where it is small. */
  readonly data: Buffer | undefined;
  /** Of an object made of parts, once it was opened. */
  readonly parts: readonly Part[] | undefined;
  readonly entries: readonly ManifestEntry[] | undefined;
  read(this: void, start: number, end: number): AsyncIterable<Buffer>;
}

export interface Looking {
  /** Whether bytes are wanted. */
  readonly reading: 'get' | 'head';
  /** Without a version, and with one. */
  readonly actions: readonly [action: string, ofVersion: string];
  readonly permission: Permission | undefined;
  /** Where the headers of a client's key begin; undefined where what is read needs none. */
  readonly keyPrefix?: string | undefined;
}

export const READING: Omit<Looking, 'reading'> = { actions: ['s3:GetObject', 's3:GetObjectVersion'], permission: 'READ', keyPrefix: '' };
const MAX_LINKS = 5;

/** What the caller sees; to be disposed. Throws where he may not, or there is nothing. */
export async function lookAt(request: ObjectRequest, looking: Looking, versionId: VersionId | undefined = versionIdOf(request.query), inDynamic = false): Promise<Seen> {
  const found = await find(request, looking, versionId);
  try {
    const { info } = found;
    authorize(request, { action: looking.actions[versionId === undefined ? 0 : 1], permission: looking.permission, key: request.key, object: info });
    if (info.metadata[CONTENT_TYPE] === DELETE_MARKER_TYPE) throw isMarker(found.versionId ?? 'null');
    const key = looking.keyPrefix === undefined ? undefined : clientKeyOf(request.exchange, looking.keyPrefix);
    if (looking.keyPrefix !== undefined) checkReadKey(info.metadata, key);
    return await seen(request, found, { reading: looking.reading, key, inDynamic });
  } catch (error) {
    await found.open?.[Symbol.asyncDispose]();
    throw error;
  }
}

interface Found {
  readonly info: ObjectInfo;
  readonly open: OpenObject | undefined;
  readonly versionId: VersionId | undefined;
  readonly place: ObjectName;
}

async function find(request: ObjectRequest, looking: Looking, versionId: VersionId | undefined): Promise<Found> {
  const { target, bucket } = request;
  try {
    if (versionId !== undefined && versionId !== 'null') return { ...(await fetch(request, versionTarget(target, versionId), looking)), versionId };
    const found = await fetch(request, target, looking);
    const link = linkOf(found.info.metadata);
    const linked = link === undefined ? undefined : versionOfLink(link);
    if (linked === undefined) return { ...found, versionId: bucket.versioning === undefined && versionId === undefined ? undefined : 'null' };
    await found.open?.[Symbol.asyncDispose]();
    if (versionId === 'null') return await findNull(request, looking);
    const version = await fetch(request, versionTarget(target, linked), looking);
    return { ...version, versionId: version.info.metadata[NULL_VERSION] === undefined ? linked : 'null' };
  } catch (error) {
    if (!isStoreError(error, 'object-not-found', 'container-not-found')) throw error;
    if (versionId === 'null' && request.bucket.versioning !== undefined) return findNull(request, looking);
    throw await missing(request, versionId);
  }
}

/** The null version that is kept among the versions. */
async function findNull(request: ObjectRequest, looking: Looking): Promise<Found> {
  const kept = await request.store.nullVersions.find(request.target);
  if (kept === undefined) throw missed(request, 'null');
  return { ...(await fetch(request, versionTarget(request.target, kept), looking)), versionId: 'null' };
}

async function fetch({ store, exchange }: ObjectRequest, place: ObjectName, { reading, keyPrefix }: Pick<Looking, 'reading' | 'keyPrefix'>): Promise<Omit<Found, 'versionId'>> {
  if (reading === 'head') return { info: await store.objects.head(place), open: undefined, place };
  try {
    const open = await store.objects.get(place, { keymaster: keyPrefix === undefined ? undefined : clientKeyOf(exchange, keyPrefix) });
    return { info: open.info, open, place };
  } catch (error) {
    // Without its key an object is known, but for its bytes: who may see it is told what is missing.
    if (isStoreError(error, 'forbidden')) return { info: await store.objects.head(place), open: undefined, place };
    throw error;
  }
}

/** NoSuchKey for who may list the bucket, and learns nothing new from it; else AccessDenied. A deletion that is marked says so. */
async function missing(request: ObjectRequest, versionId: VersionId | undefined): Promise<S3Error> {
  const error = missed(request, versionId);
  if (error.code === 'AccessDenied' || versionId !== undefined || request.bucket.versioning === undefined) return error;
  const newest = await request.store.nullVersions.newest(request.target);
  if (newest?.isMarker !== true) return error;
  return new S3Error('NoSuchKey', undefined, { Key: request.key }, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': formatVersionId(newest.isNull ? 'null' : newest.versionId) });
}

function missed(request: ObjectRequest, versionId: VersionId | undefined): S3Error {
  if (!isAllowed(request, { action: 's3:ListBucket', permission: 'READ', extras: { values: { 's3:prefix': request.key } } })) return new S3Error('AccessDenied');
  if (versionId === undefined) return new S3Error('NoSuchKey', undefined, { Key: request.key });
  return new S3Error('NoSuchVersion', undefined, { Key: request.key, VersionId: formatVersionId(versionId) });
}

function isMarker(versionId: VersionId): S3Error {
  return new S3Error('MethodNotAllowed', undefined, { Method: 'GET', ResourceType: 'DeleteMarker' }, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': formatVersionId(versionId), Allow: 'DELETE' });
}

interface Showing {
  readonly reading: Looking['reading'];
  readonly key: Keymaster | undefined;
  /** Within a dynamic object another is what it is stored as: it could name itself. */
  readonly inDynamic: boolean;
}

async function seen(request: ObjectRequest, found: Found, how: Showing, links = 0): Promise<Seen> {
  const { info, open, place, versionId } = found;
  const { reading, key } = how;
  const link = linkOf(info.metadata);
  if (link !== undefined) {
    await open?.[Symbol.asyncDispose]();
    if (links >= MAX_LINKS) throw new S3Error('InvalidRequest', 'Too many levels of symbolic links');
    const target = { account: link.account ?? place.account, container: link.container, object: link.object };
    const next = versionOfLink(link) === undefined ? await bucketRequest(request, target) : request;
    const led = await fetch(next, target, { reading, keyPrefix: '' });
    assertExpected(led.info, link);
    // A version is read as the name that it is one of; what leads to it has no rights of its own.
    if (!leadsToVersion(led.info)) authorize(next, { action: READING.actions[0], permission: READING.permission, key: next.key, object: led.info });
    return seen(next, { ...led, versionId }, how, links + 1);
  }
  const base = { info, place, versionId, sizeBytes: shownBytes(info), etag: shownEtag(info), modifiedSeconds: Math.floor(timestampToMs(info.timestamp) / 1000), made: false, data: undefined, parts: undefined, entries: undefined };
  if (info.metadata[DYNAMIC] !== undefined && !how.inDynamic) {
    await open?.[Symbol.asyncDispose]();
    return { ...base, made: true, ...(await dynamicBytes(request, info, (segment, wanted) => lookAt(segment, { ...READING, reading: wanted }, undefined, true))), [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  if (open === undefined) return { ...base, read: () => bodyOfBuffer(Buffer.alloc(0)).chunks(), [Symbol.asyncDispose]: () => Promise.resolve() };
  if (info.metadata[MANIFEST_ETAG] === undefined) return { ...base, data: open.data, read: (start, end) => open.read(start, end), [Symbol.asyncDispose]: () => Promise.resolve(open[Symbol.asyncDispose]()) };
  const { parts, entries } = await partsOf(place.account, open);
  await open[Symbol.asyncDispose]();
  return { ...base, made: true, parts, entries, read: (start, end) => readSegments(request, parts, { start, end, key }), [Symbol.asyncDispose]: () => Promise.resolve() };
}

function leadsToVersion({ metadata }: ObjectInfo): boolean {
  const link = linkOf(metadata);
  return link !== undefined && versionOfLink(link) !== undefined;
}

/** A link of Swift's may lead to one state of its target only. */
function assertExpected({ metadata }: ObjectInfo, { etag, object }: Link): void {
  const found = linkOf(metadata)?.etag ?? metadata[ETAG];
  if (etag !== undefined && found !== etag) throw new StoreError('conflict', `${object} is no longer what the link was made to`);
}

/** The request as it were for where a link of Swift's leads, which the caller must be allowed to read. */
async function bucketRequest(request: ObjectRequest, target: ObjectName): Promise<ObjectRequest> {
  const bucket = target.container === request.bucket.container && target.account === request.bucket.account ? request.bucket : await findBucketOf(request.store, target);
  return { ...request, bucket, key: target.object, target };
}
