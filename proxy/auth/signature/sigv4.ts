/** Signature Version 4 as S3 takes it: in the Authorization header, or in the query of a presigned address. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { percentDecode } from '#common/http';
import type { Exchange } from '#proxy/edge';
import { canonicalEncoding, canonicalHeaders, canonicalQuery, canonicalRequest, queryParameters, sha256OfBytes } from './canonical.ts';
import { signatureFault } from './fault.ts';

export const V4_ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_SECONDS = 604_800;
/** What no number of 64 bits can say is none to AWS. */
const MAX_NUMBER = 2n ** 63n;

export interface Scope {
  readonly accessKey: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** What a request says of its signature. */
export interface V4Claim {
  readonly scope: Scope;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `20260131T120000Z`. */
  readonly timestamp: string;
  readonly payloadHash: string;
  readonly presigned: boolean;
}

/** Derives keys, and keeps those of the day. */
export class SigningKeys {
  readonly #keys = new LRUCache<string, Buffer>({ max: 1000 });

  key(secret: string, { accessKey, date, region, service }: Scope): Buffer {
    const name = `${accessKey}\n${secret}\n${date}\n${region}\n${service}`;
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = [date, region, service, 'aws4_request'].reduce<Buffer>((derived, part) => hmac(derived, part), Buffer.from(`AWS4${secret}`));
      this.#keys.set(name, key);
    }
    return key;
  }
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'latin1').digest();
}

export function scopeText({ date, region, service }: Scope): string {
  return `${date}/${region}/${service}/aws4_request`;
}

/** Reads `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`. */
export function claimOfHeader(exchange: Exchange, authorization: string, service: string): V4Claim {
  const fields = new Map<string, string>();
  for (const part of authorization.slice(V4_ALGORITHM.length).split(',')) {
    const equals = part.indexOf('=');
    if (equals > 0) fields.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((name) => fields.get(name));
  if (!credential || !signedHeaders || !signature) {
    throw signatureFault('AuthorizationHeaderMalformed', 'The authorization header is malformed; Credential, SignedHeaders and Signature are required.');
  }
  const scope = parseScope(credential, 'AuthorizationHeaderMalformed');
  const timestamp = timestampOf(exchange);
  if (timestamp.slice(0, 8) !== scope.date) throw signatureFault('AuthorizationHeaderMalformed', `The authorization header is malformed; Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${timestamp.slice(0, 8)}".`);
  const payloadHash = exchange.header('x-amz-content-sha256');
  if (payloadHash === undefined && service === 's3') throw signatureFault('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  return { scope, signedHeaders: signedHeaders.toLowerCase().split(';'), signature, timestamp, payloadHash: payloadHash ?? '', presigned: false };
}

/** X-Amz-Date, or Date in any of its forms. */
function timestampOf(exchange: Exchange): string {
  const text = exchange.header('x-amz-date') ?? exchange.header('date');
  if (text === undefined || text === '') throw signatureFault('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  if (/^\d{8}T\d{6}Z$/.test(text)) return text;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw signatureFault('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function parseScope(credential: string, code: 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError'): Scope {
  // A key may hold slashes of its own: the scope is the last four parts.
  const parts = credential.split('/');
  const [date, region, service, end] = parts.slice(-4);
  const accessKey = parts.slice(0, -4).join('/');
  if (accessKey === '' || date === undefined || !/^\d{8}$/.test(date) || region === undefined || !service || end !== 'aws4_request') {
    throw signatureFault(code, 'The Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".');
  }
  return { accessKey, date, region, service };
}

/** Reads the parameters of a presigned address, and whether it is in force. */
export function claimOfQuery(exchange: Exchange, nowMs: number): V4Claim {
  const query = new Map(queryParameters(exchange.rawQuery).map(({ name, value }) => [name.toLowerCase(), percentDecode(value) ?? '']));
  const wanted = (name: string): string => {
    const value = query.get(name.toLowerCase());
    if (value === undefined || value === '') {
      throw signatureFault('AuthorizationQueryParametersError', 'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.');
    }
    return value;
  };
  if (wanted('X-Amz-Algorithm') !== V4_ALGORITHM) throw signatureFault('AuthorizationQueryParametersError', 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  const scope = parseScope(wanted('X-Amz-Credential'), 'AuthorizationQueryParametersError');
  const signature = wanted('X-Amz-Signature');
  const timestamp = wanted('X-Amz-Date');
  const signedHeaders = wanted('X-Amz-SignedHeaders').toLowerCase().split(';');
  checkExpiry(wanted('X-Amz-Expires'), timestamp, nowMs);
  if (timestamp.slice(0, 8) !== scope.date) throw signatureFault('AuthorizationQueryParametersError', `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${timestamp.slice(0, 8)}".`);
  return { scope, signedHeaders, signature, timestamp, payloadHash: exchange.header('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD', presigned: true };
}

function checkExpiry(expires: string, timestamp: string, nowMs: number): void {
  if (!/^-?\d+$/.test(expires)) throw signatureFault('AuthorizationQueryParametersError', 'X-Amz-Expires should be a number');
  const seconds = Number(expires);
  if (seconds >= Number(MAX_NUMBER) && BigInt(expires) >= MAX_NUMBER) throw signatureFault('AuthorizationQueryParametersError', 'X-Amz-Expires should be a number');
  if (seconds < 0) throw signatureFault('AuthorizationQueryParametersError', 'X-Amz-Expires must be non-negative');
  if (seconds > MAX_EXPIRES_SECONDS) throw signatureFault('AuthorizationQueryParametersError', `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${MAX_EXPIRES_SECONDS} seconds`);
  const madeMs = msOf(timestamp);
  if (madeMs === undefined) throw signatureFault('AuthorizationQueryParametersError', 'X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd\'T\'HHmmss\'Z\'"');
  if (madeMs - nowMs > MAX_SKEW_MS) throw signatureFault('AccessDenied', 'Request is not valid yet');
  if (nowMs > madeMs + seconds * 1000) throw signatureFault('AccessDenied', 'Request has expired', { Expires: new Date(madeMs + seconds * 1000).toISOString(), ServerTime: new Date(nowMs).toISOString() });
}

/** Milliseconds of `20260131T120000Z`. */
export function msOf(timestamp: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

export function checkSkew(timestampMs: number | undefined, nowMs: number): void {
  if (timestampMs !== undefined && Math.abs(nowMs - timestampMs) <= MAX_SKEW_MS) return;
  const at = new Date(nowMs).toISOString();
  throw signatureFault('RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.', { ServerTime: at, MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS) });
}

/** Refuses a claim whose signature the key does not make over this request; else answers what was signed. */
export function checkV4(exchange: Exchange, claim: V4Claim, key: Buffer): string {
  const { signedHeaders, presigned } = claim;
  if (!signedHeaders.includes('host')) throw signatureFault('AccessDenied', 'There were headers present in the request which were not signed', { HeadersNotSigned: 'host' });
  const unsigned = Object.keys(exchange.headers).filter((name) => name.startsWith('x-amz-') && !signedHeaders.includes(name) && name !== 'x-amz-content-sha256');
  if (unsigned.length > 0) throw signatureFault('AccessDenied', 'There were headers present in the request which were not signed', { HeadersNotSigned: unsigned.join(', ') });
  const headers = canonicalHeaders(exchange, signedHeaders);
  if (headers === undefined) throw signatureFault('SignatureDoesNotMatch', 'A signed header did not come with the request.');
  const query = canonicalQuery(exchange.rawQuery, presigned ? 'X-Amz-Signature' : undefined);
  const canonical = (path: string): string => canonicalRequest(exchange.method, { path, query, headers, signedHeaders: signedHeaders.join(';'), payloadHash: claim.payloadHash });
  const stringToSign = (path: string): string => `${V4_ALGORITHM}\n${claim.timestamp}\n${scopeText(claim.scope)}\n${sha256OfBytes(canonical(path))}`;
  const encoded = canonicalEncoding(exchange.path, true);
  if (sameSignature(hmac(key, stringToSign(encoded)), claim.signature)) return canonical(encoded);
  // Some clients sign the path as they send it.
  if (encoded !== exchange.path && sameSignature(hmac(key, stringToSign(exchange.path)), claim.signature)) return canonical(exchange.path);
  throw signatureMismatch({ accessKey: claim.scope.accessKey, stringToSign: stringToSign(encoded), signature: claim.signature, canonical: canonical(encoded) });
}

/** What was signed here, so that whoever signed otherwise can find where. */
export function signatureMismatch({ accessKey, stringToSign, signature, canonical }: { accessKey: string; stringToSign: string; signature: string; canonical: string }): Error {
  return signatureFault('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided. Check your key and signing method.', {
    AWSAccessKeyId: accessKey,
    StringToSign: stringToSign,
    SignatureProvided: signature,
    StringToSignBytes: bytesInHex(stringToSign),
    CanonicalRequest: canonical,
    CanonicalRequestBytes: bytesInHex(canonical),
  });
}

function bytesInHex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex').replace(/..(?!$)/g, '$& ');
}

export function sameSignature(ours: Buffer, theirs: string): boolean {
  const given = Buffer.from(theirs, 'hex');
  return given.length === ours.length && theirs.length === ours.length * 2 && timingSafeEqual(ours, given);
}
