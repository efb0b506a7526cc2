/** What a GET, a HEAD or a copy of an object sees: the object itself, or what it stands for. Each form has its room. */
import { bodyOfBuffer } from '#common/stream';
import { CONTENT_TYPE, ETAG, type OpenSegment, type ResumableObject } from '#proxy/core';
import type { ObjectInfo } from '#storage-node/protocol';
import { authorizeContainer } from '../container/access.ts';
import { DYNAMIC, showDynamic } from '../dlo/show.ts';
import type { ObjectRequest } from '../request.ts';

export interface Representation extends OpenSegment {
  /** The object whose headers are shown. */
  readonly info: ObjectInfo;
  readonly contentType: string;
  /** Undefined where it is known only once it has been read: then the answer has neither length nor ranges. */
  readonly sizeBytes: number | undefined;
  /** Where `sizeBytes` is not known: how many there are at least. */
  readonly leastBytes?: number;
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
  readonly open: ResumableObject | undefined;
}

/** How a read came here: through how many links and manifests. */
export interface Trail {
  readonly links: number;
  readonly manifests: number;
}

/** Looks at another object for the same caller. */
export type LookAt = (request: ObjectRequest, reading: Reading, trail: Trail) => Promise<Representation>;

/** How a form of object is shown. What was found is its to dispose, by itself or with what it answers. */
export type Show = (request: ObjectRequest, found: Found, reading: Reading, context: { trail: Trail; lookAt: LookAt }) => Promise<Representation>;

/** The forms, by the name of the metadata that makes an object one. */
const FORMS: readonly (readonly [mark: string, show: Show])[] = [[DYNAMIC, showDynamic]];

const START: Trail = { links: 0, manifests: 0 };

/** What the caller sees of the request's target; to be disposed. Throws where he may not read it, or there is nothing. */
export async function lookAt(request: ObjectRequest, reading: Reading, trail: Trail = START): Promise<Representation> {
  await authorizeContainer(request, 'object-read');
  const found = await find(request, reading);
  try {
    for (const [mark, show] of FORMS) {
      if (found.info.metadata[mark] !== undefined) return await show(request, found, reading, { trail, lookAt });
    }
    return asItIs(found);
  } catch (error) {
    await found.open?.[Symbol.asyncDispose]();
    throw error;
  }
}

async function find({ store, account, container, object }: ObjectRequest, reading: Reading): Promise<Found> {
  const target = { account, container, object };
  if (reading === 'head') return { info: await store.objects.head(target), open: undefined };
  const open = await store.objects.get(target);
  return { info: open.info, open };
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
