/** An S3 request after the wall: who sent it, which bucket and key it names, what it says. Inside, these are facts. */
import type { Config } from '#common';
import { parseQuery, percentDecode } from '#common/http';
import type { Body } from '#common/stream';
import type { KeyHolder, ObjectName, Store } from '#proxy/core';
import type { Exchange, Response } from '#proxy/edge';
import type { Caller } from '#proxy/iam';
import type { Bucket } from './bucket/bucket.ts';
import { S3Error } from './errors.ts';
import type { Notifications } from './notifications/notifications.ts';

export type S3Settings = Config['s3'];
export type Query = ReadonlyMap<string, string>;

/** Who has keys, and what is known of owners and grantees. */
export interface Directory {
  byCanonicalId(canonicalId: string): (KeyHolder & { readonly accountId: string }) | undefined;
  byEmail(email: string): KeyHolder | undefined;
}

/** What auth found out about a request. */
export interface Identified {
  readonly holder: Caller | undefined;
  readonly presigned: boolean;
  /** The service that the signature is for. */
  readonly service: string;
  body(raw: Body, onTrailers: (trailers: ReadonlyMap<string, string>) => void): Body;
  readonly decodedBytes: number | undefined;
  readonly trailers: readonly string[];
}

export interface S3Auth {
  /** `bucket` is the one that the Host names. Throws StoreErrors that name S3's codes. */
  identify(exchange: Exchange, bucket: string | undefined): Promise<Identified>;
  /** Who signed a form; its fields by lower-case name. */
  identifyForm(fields: ReadonlyMap<string, string>): Promise<Caller | undefined>;
  readonly directory: Directory;
}

export interface S3Request {
  readonly exchange: Exchange;
  readonly store: Store;
  readonly settings: S3Settings;
  readonly directory: Directory;
  readonly auth: Pick<S3Auth, 'identifyForm'>;
  readonly notifications: Notifications;
  readonly identified: Identified;
  /** Undefined for a request that nobody signed. */
  readonly caller: Caller | undefined;
  readonly query: Query;
  readonly bucketName: string | undefined;
  readonly key: string | undefined;
  /** Trailers, once the body has been read to its end. */
  readonly trailers: Map<string, string>;
}

export interface BucketRequest extends S3Request {
  readonly bucket: Bucket;
}

export interface ObjectRequest extends BucketRequest {
  readonly key: string;
  readonly target: ObjectName;
}

export type Handler<R extends S3Request = S3Request> = (request: R) => Promise<Response>;

/** Length of the data that a request brings, as it declares it. */
export const MAX_OBJECT_BYTES = 5 * 1024 ** 3;
const MAX_FRAMING_BYTES = 64 * 1024 ** 2;

/** The data of the request, vouched for as its signature says. */
export function bodyOf(request: S3Request, maxBytes = MAX_OBJECT_BYTES): Body {
  const { exchange, identified, trailers } = request;
  return identified.body(exchange.body(maxBytes + MAX_FRAMING_BYTES), (heard) => {
    for (const [name, value] of heard) trailers.set(name, value);
  });
}

/** A body of configuration, whole. */
export async function smallBody(request: S3Request, maxBytes = 256 * 1024): Promise<Buffer> {
  if ((request.identified.decodedBytes ?? 0) > maxBytes) throw new S3Error('MaxMessageLengthExceeded');
  return bodyOf(request, maxBytes).collect(maxBytes);
}

/** The parameters; 400 for what is not UTF-8. */
export function decodeQuery(rawQuery: string): Query {
  const query = parseQuery(rawQuery);
  if (query === undefined) throw new S3Error('InvalidURI');
  return query;
}

/** A raw path as text; 400 for what is not UTF-8 or holds a NUL, with which the store's own names begin. */
export function decodeName(raw: string): string {
  const name = percentDecode(raw);
  if (name === undefined || name.includes('\0')) throw new S3Error('InvalidURI');
  return name;
}

/** An answer in XML. */
export function xmlAnswer(body: string, headers: Response['headers'] = {}, status = 200): Response {
  return { status, headers: { 'Content-Type': 'application/xml', ...headers }, body };
}

export function emptyAnswer(status = 200, headers: Response['headers'] = {}): Response {
  return { status, headers };
}

/** The text in a metadata value, whose characters are bytes. */
export function packText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function unpackText(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}
