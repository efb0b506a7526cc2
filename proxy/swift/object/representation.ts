/** What a GET, a HEAD or a copy of an object sees, and how the forms of objects (links, manifests) are shown. */
import type { ByteRange } from '#common/http';
import { bodyOfBuffer } from '#common/stream';
import { CONTENT_TYPE, ETAG, type OpenObject, type OpenSegment } from '#proxy/core';
import type { ObjectInfo } from '#storage-node/protocol';
import type { ObjectRequest } from '../request.ts';

export interface Representation extends OpenSegment {
  /** The object whose headers are shown. */
  readonly info: ObjectInfo;
  readonly contentType: string;
  /** Undefined where it is known only once it has been read: then the answer has neither length nor ranges. */
  readonly sizeBytes: number | undefined;
  /** Where `sizeBytes` is not known: how many there are at least. */
  readonly leastBytes?: number;
  /** The one part that is asked for, or 'none' where there is no such part. */
  readonly part?: ByteRange | 'none';
  /** As it is printed: bare for an object, quoted for a manifest; undefined where it is not known beforehand. */
  readonly etag: string | undefined;
  /** Whether it can show several ranges in one answer. Where it cannot, it shows the whole. */
  readonly multipleRanges: boolean;
  /** What it says of itself beside the object's own headers. */
  readonly headers: Readonly<Record<string, string | number>>;
  /** Whole, where it is small. */
  readonly data: Buffer | undefined;
  /** Nothing of it has been read yet that could show that it cannot be: the first bytes are waited for before the answer begins. */
  readonly unproven: boolean;
}

export type Reading = 'get' | 'head';

/** An object as it was found; `open` for a GET. */
export interface Found {
  readonly info: ObjectInfo;
  readonly open: OpenObject | undefined;
}

/** How a read came here: through how many links and manifests. */
export interface Trail {
  readonly links: number;
  /** Something led here: the client did not name it. */
  readonly led: boolean;
  readonly manifests: number;
  /** Whether one of them is dynamic. */
  readonly dynamic: boolean;
  /** Tag that what is found must have. */
  readonly expects?: string | undefined;
}

/** Looks at another object for the same caller. */
export type LookAt = (request: ObjectRequest, reading: Reading, trail: Trail) => Promise<Representation>;

/** How a form of object is shown. What was found is its to dispose, by itself or with what it answers. */
export type Show = (request: ObjectRequest, found: Found, reading: Reading, context: Context) => Promise<Representation>;

export interface Context {
  readonly trail: Trail;
  readonly lookAt: LookAt;
}

const NOTHING = {};

/** The object as it is stored. A HEAD opens nothing: its representation has no bytes to read. */
export function asItIs({ info, open }: Found): Representation {
  return {
    info,
    contentType: info.metadata[CONTENT_TYPE] ?? 'application/octet-stream',
    sizeBytes: info.sizeBytes,
    etag: info.metadata[ETAG] ?? '',
    multipleRanges: true,
    headers: NOTHING,
    data: open?.data,
    unproven: false,
    read: (start, end) => open?.read(start, end) ?? bodyOfBuffer(Buffer.alloc(0)).chunks(),
    [Symbol.asyncDispose]: () => open?.[Symbol.asyncDispose]() ?? Promise.resolve(),
  };
}
