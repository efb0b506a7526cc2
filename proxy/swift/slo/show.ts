/**
 * Static large objects as they are read: the segments that the manifest names, as the reader may see them, checked against what they
 * were; or, with `?multipart-manifest=get`, the manifest itself. A HEAD reads neither.
 */
import { hash } from 'node:crypto';
import { isStoreError, StoreError } from '#common';
import { bodyOfBuffer, bodyOfChunks } from '#common/stream';
import { CONTENT_TYPE, entryParts, ETAG, MANIFEST_BYTES, MANIFEST_ETAG, parseStoredManifest, partBytes, readParts, type ManifestEntry, type ObjectName, type OpenSegment, type Part } from '#proxy/core';
import { Refusal } from '../refusal.ts';
import { asItIs, type Context, type Found, type Representation, type Show } from '../object/representation.ts';
import type { ObjectRequest } from '../request.ts';
import { SLO_LIMITS } from './limits.ts';

const MAX_DEPTH = 10;
/** A manifest with its tags and types is longer than what was sent of it. */
const MAX_STORED_BYTES = 4 * SLO_LIMITS.max_manifest_size;

export const showStatic: Show = async (request, found, reading, context) => {
  if (request.query.get('multipart-manifest') === 'get') return showManifest(request, found);
  if (context.trail.manifests >= MAX_DEPTH) throw new StoreError('conflict', 'the manifest holds manifests that hold too many others');
  const { info } = found;
  const partNumber = partNumberOf(request);
  const base = {
    info,
    contentType: info.metadata[CONTENT_TYPE] ?? 'application/octet-stream',
    sizeBytes: Number(info.metadata[MANIFEST_BYTES]),
    etag: `"${info.metadata[MANIFEST_ETAG]!}"`,
    multipleRanges: true,
    headers: { 'X-Manifest-Etag': info.metadata[ETAG] ?? '' },
    data: undefined,
    unproven: true,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  if (reading === 'head' && partNumber === undefined) return { ...base, read: () => bodyOfBuffer(Buffer.alloc(0)).chunks() };
  const parts = entryParts(request.account, await storedEntries(request, found));
  const read = (start: number, end: number): AsyncIterable<Buffer> => readParts(parts, start, end, (target) => openSegment(request, target, context));
  if (partNumber === undefined) return { ...base, read };
  return { ...base, read, headers: { ...base.headers, 'X-Parts-Count': parts.length }, part: partAt(parts, partNumber) };
};

/** The entries of a manifest that was found; its data are read and let go. */
async function storedEntries(request: ObjectRequest, found: Found): Promise<ManifestEntry[]> {
  const { store, account, container, object } = request;
  await using open = found.open ?? (await store.objects.get({ account, container, object }));
  const { data, info } = open;
  return parseStoredManifest(data ?? (await bodyOfChunks(open.read(0, info.sizeBytes), info.sizeBytes).collect(MAX_STORED_BYTES)));
}

/** What the reader sees of a segment. Whatever keeps him from it, the manifest cannot be read: 409, but for faults that pass. */
async function openSegment(request: ObjectRequest, target: ObjectName, { trail, lookAt }: Context): Promise<OpenSegment> {
  try {
    return unquoted(await lookAt({ ...request, ...target, query: NO_QUERY }, 'get', { ...trail, links: 0, led: true, manifests: trail.manifests + 1 }));
  } catch (cause) {
    if (cause instanceof Refusal || (isStoreError(cause) && !isStoreError(cause, 'unavailable', 'device-unavailable'))) {
      throw new StoreError('conflict', `the segment ${target.container}/${target.object} cannot be read`, { cause });
    }
    throw cause;
  }
}

const NO_QUERY: ReadonlyMap<string, string> = new Map();

function unquoted(representation: Representation): OpenSegment {
  return representation.etag?.startsWith('"') === true ? { ...representation, etag: representation.etag.replaceAll('"', '') } : representation;
}

/** The manifest as it is stored, or (`format=raw`) as it can be put again. */
async function showManifest(request: ObjectRequest, found: Found): Promise<Representation> {
  if (request.query.get('format') !== 'raw') return { ...asItIs(found), contentType: 'application/json; charset=utf-8' };
  const entries = await storedEntries(request, found);
  const raw = entries.map((entry) => {
    if ('data' in entry) return entry;
    return { etag: entry.hash, path: entry.name, ...(entry.range === undefined ? {} : { range: entry.range }), size_bytes: entry.bytes };
  });
  const data = Buffer.from(JSON.stringify(raw));
  return { ...asItIs({ info: found.info, open: undefined }), sizeBytes: data.length, etag: hash('md5', data, 'hex'), data };
}

function partNumberOf({ query, exchange }: ObjectRequest): number | undefined {
  const text = query.get('part-number');
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw new Refusal(400, 'Part number must be an integer greater than 0');
  if (exchange.header('range') !== undefined) throw new Refusal(400, 'Range requests are not supported with part number queries');
  return Number(text);
}

function partAt(parts: readonly Part[], number: number): { start: number; end: number } | 'none' {
  const part = parts[number - 1];
  if (part === undefined) return 'none';
  const start = parts.slice(0, number - 1).reduce((sum, before) => sum + partBytes(before), 0);
  return { start, end: start + partBytes(part) };
}
