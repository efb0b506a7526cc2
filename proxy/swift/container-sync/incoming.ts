/** Requests of another cluster's container sync: who knows the realm's key and the container's may write its objects, at the times they have there. */
import { bodyOfBuffer } from '#common/stream';
import { CONTENT_TYPE, linkMetadata, manifestEtag, storeManifest, type ManifestEntry } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { isStoreError, parseTimestamp, type Timestamp } from '#common';
import { percentEncodePath } from '#common/http';
import { unauthorized } from '../authorize.ts';
import { CONSTRAINTS } from '../constraints.ts';
import { checkPutHeaders, expectedEtag, putMetadata } from '../object/checks.ts';
import { created } from '../object/write.ts';
import { SYNC_KEY } from '../privileged.ts';
import { Refusal } from '../refusal.ts';
import { decodePath, type ObjectRequest, type SwiftRequest } from '../request.ts';
import { SLO_LIMITS } from '../slo/limits.ts';
import { askedLink } from '../symlink/put.ts';
import type { SyncRealms } from './realms.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);
/** A manifest with its tags and types is longer than what was sent of it. */
const MAX_STORED_BYTES = 4 * SLO_LIMITS.max_manifest_size;

/** The request with the right that its signature gives; undefined where it has none, 401 where it has one that is not good. */
export async function openSync(request: SwiftRequest, realms: SyncRealms): Promise<SwiftRequest | undefined> {
  const { exchange, store, account, container } = request;
  const header = exchange.header('x-container-sync-auth');
  if (header === undefined || container === undefined) return undefined;
  const userKey = await store.containers.summary({ account, container }).then(({ metadata }) => metadata[SYNC_KEY], ifAbsent);
  const timestamp = exchange.header('x-timestamp') ?? '0';
  const signed = { method: exchange.method, path: percentEncodePath(decodePath(exchange.path)), timestamp, userKey: userKey ?? '' };
  if (!userKey || !METHODS.has(exchange.method) || !realms.verifies(header, signed)) {
    const realm = unauthorized(account).headers['WWW-Authenticate']!.split(' ').slice(1).join(' ');
    throw new Refusal(401, 'X-Container-Sync-Auth header not valid; contact cluster operator for support.', { 'Content-Type': 'text/plain', 'WWW-Authenticate': `SwiftContainerSync ${realm}` });
  }
  return { ...request, grant: { account, container }, syncedAt: timestampOf(timestamp) };
}

function timestampOf(text: string): Timestamp {
  try {
    // An offset, which Swift may add to tell writes of one moment apart, is below what a timestamp here can say.
    return parseTimestamp(text.split('_')[0]!);
  } catch {
    throw new Refusal(400, 'X-Timestamp should be a UNIX timestamp float value', { 'Content-Type': 'text/plain' });
  }
}

/**
 * PUT of an object as it is on another cluster. What it stands for is not looked at: its segments, or its target, may come after it. Quotas and
 * versions are those of the cluster on which a client wrote it.
 */
export async function putSynced(request: ObjectRequest, at: Timestamp): Promise<Response> {
  const { store, exchange, account, container, object } = request;
  const target = { account, container, object };
  const condition = checkPutHeaders(request);
  const metadata = putMetadata(request);
  const link = exchange.header('x-symlink-target');
  if (exchange.header('x-static-large-object') !== undefined) {
    const entries = parseManifest(await exchange.body(MAX_STORED_BYTES).collect(MAX_STORED_BYTES));
    const stored = storeManifest(account, entries, manifestEtag(entries));
    return created(await store.objects.put({ target, body: bodyOfBuffer(stored.data), metadata: { ...metadata, ...stored.metadata }, condition, at }));
  }
  if (link !== undefined) {
    const bytes = exchange.header('x-symlink-target-bytes');
    const asked = askedLink(request, link);
    const known = { ...asked, ...(asked.etag !== undefined && bytes !== undefined && /^\d{1,15}$/.test(bytes) ? { bytes: Number(bytes) } : {}) };
    return created(await store.objects.put({ target, body: bodyOfBuffer(Buffer.alloc(0)), metadata: { [CONTENT_TYPE]: 'application/symlink', ...metadata, ...linkMetadata(account, known) }, condition, at }));
  }
  const body = exchange.body(CONSTRAINTS.max_file_size);
  return created(await store.objects.put({ target, body, metadata, expectedEtag: expectedEtag(exchange), condition, at }));
}

/** A manifest as it is stored, here and on Swift: refuses what is no list of segments. */
function parseManifest(data: Buffer): ManifestEntry[] {
  try {
    const entries: unknown = JSON.parse(data.toString('utf8'));
    const isEntry = (entry: unknown): boolean => typeof entry === 'object' && entry !== null && ('data' in entry ? typeof entry.data === 'string' : 'name' in entry && typeof entry.name === 'string' && /^\/+[^/]+\/./.test(entry.name) && 'hash' in entry && typeof entry.hash === 'string' && 'bytes' in entry && Number.isSafeInteger(entry.bytes));
    if (Array.isArray(entries) && entries.length > 0 && entries.length <= SLO_LIMITS.max_manifest_segments && entries.every(isEntry)) return entries as ManifestEntry[];
  } catch {
    // Refused below.
  }
  throw new Refusal(400, 'Manifest must be a list of segments', { 'Content-Type': 'text/plain' });
}

function ifAbsent(error: unknown): undefined {
  if (!isStoreError(error, 'container-not-found')) throw error;
  return undefined;
}
