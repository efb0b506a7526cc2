/** What a GET or HEAD shows: the object itself, or the segments that it stands for. */
import { bodyOfBuffer } from '#common/stream';
import { CONTENT_TYPE, ETAG, readSegments, type ResumableObject } from '#proxy/core';
import type { ObjectInfo } from '#storage-node/protocol';
import { authorizeContainer } from '../container/access.ts';
import { MANIFEST, manifestContainer, resolveManifest } from '../dlo/manifest.ts';
import type { ObjectRequest } from '../request.ts';

export interface Representation {
  readonly info: ObjectInfo;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Stands for the segments of a manifest. */
  readonly segmented: boolean;
  /** As it is printed: bare for an object, quoted for a manifest. */
  readonly etag: string;
  /** Whole, where it is small. */
  readonly data: Buffer | undefined;
  readonly read: (this: void, start: number, end: number) => AsyncIterable<Buffer>;
}

/** The representation of an object of which metadata, and perhaps data (`open`), is known. */
export async function represent(request: ObjectRequest, info: ObjectInfo, open: ResumableObject | undefined): Promise<Representation> {
  const { store, account, query } = request;
  const contentType = info.metadata[CONTENT_TYPE] ?? 'application/octet-stream';
  const manifest = info.metadata[MANIFEST];
  if (manifest !== undefined && query.get('multipart-manifest') !== 'get') {
    // Asked before anything of the segments is listed: a stranger learns not even how many there are.
    await authorizeContainer({ ...request, container: manifestContainer(manifest) }, 'object-read');
    const { segments, sizeBytes, etag } = await resolveManifest(store, account, manifest);
    return { info, contentType, sizeBytes, segmented: true, etag, data: undefined, read: (start, end) => readSegments(store.objects, segments, start, end) };
  }
  // A HEAD opens nothing: its representation has no bytes to read.
  const read = (start: number, end: number): AsyncIterable<Buffer> => open?.read(start, end) ?? bodyOfBuffer(Buffer.alloc(0)).chunks();
  return { info, contentType, sizeBytes: info.sizeBytes, segmented: false, etag: info.metadata[ETAG] ?? '', data: open?.data, read };
}
