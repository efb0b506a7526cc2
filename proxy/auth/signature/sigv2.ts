/** Signature Version 2, which old clients still send: in the Authorization header, or in a query with an hour of expiry. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { percentDecode } from '#common/http';
import type { Exchange } from '#proxy/edge';
import { signatureFault } from './fault.ts';
import { checkSkew } from './sigv4.ts';

/** Parameters that are part of the resource that is signed. */
/** What fits into the 32 bits that such dates had. */
const MAX_EPOCH_SECONDS = 2 ** 31 - 1;

const SIGNED_PARAMETERS: ReadonlySet<string> = new Set([
  'accelerate', 'acl', 'analytics', 'attributes', 'cors', 'delete', 'encryption', 'inventory', 'legal-hold', 'lifecycle', 'location', 'logging', 'metrics', 'notification', 'object-lock',
  'ownershipControls', 'partNumber', 'policy', 'policyStatus', 'publicAccessBlock', 'replication', 'requestPayment', 'restore', 'retention', 'select', 'select-type', 'session', 'tagging',
  'torrent', 'uploadId', 'uploads', 'versionId', 'versioning', 'versions', 'website',
  'response-cache-control', 'response-content-disposition', 'response-content-encoding', 'response-content-language', 'response-content-type', 'response-expires',
]);

export interface V2Claim {
  readonly accessKey: string;
  readonly signature: string;
  /** The date line of what is signed. */
  readonly date: string;
  /** Of temporary credentials, in a query: signed as the header would be. */
  readonly token?: string | undefined;
}

export function claimOfV2Header(exchange: Exchange, authorization: string, nowMs: number): V2Claim {
  const credentials = authorization.slice('AWS '.length).trim();
  // A key may hold a colon of its own: the signature is what follows the last.
  const colon = credentials.lastIndexOf(':');
  if (colon <= 0) throw signatureFault('InvalidArgument', 'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature');
  const amzDate = exchange.header('x-amz-date');
  const text = amzDate !== undefined && amzDate !== '' ? amzDate : exchange.header('date');
  const ms = Date.parse(text ?? '');
  if (text === undefined || amzDate === '' || Number.isNaN(ms) || ms < 0) throw signatureFault('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  checkSkew(ms, nowMs);
  return { accessKey: credentials.slice(0, colon), signature: credentials.slice(colon + 1), date: amzDate === undefined ? (exchange.header('date') ?? '') : '' };
}

export function claimOfV2Query(query: ReadonlyMap<string, string>, nowMs: number): V2Claim {
  const [accessKey, signature, expires] = ['AWSAccessKeyId', 'Signature', 'Expires'].map((name) => query.get(name));
  if (!accessKey || !signature || !expires) throw signatureFault('AccessDenied', 'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters');
  if (!/^\d+$/.test(expires)) throw signatureFault('AccessDenied', `Invalid date (should be seconds since epoch): ${expires}`);
  if (Number(expires) > MAX_EPOCH_SECONDS) throw signatureFault('AccessDenied', `Invalid date (should be seconds since epoch): ${expires}`);
  if (Number(expires) * 1000 < nowMs) throw signatureFault('AccessDenied', 'Request has expired', { Expires: new Date(Number(expires) * 1000).toISOString(), ServerTime: new Date(nowMs).toISOString() });
  return { accessKey, signature, date: expires, token: query.get('x-amz-security-token') };
}

/** `bucket` is the one that the Host names, if any. */
export function checkV2(exchange: Exchange, claim: V2Claim, secret: string, bucket: string | undefined): void {
  const given = Buffer.from(claim.signature, 'base64');
  for (const resource of resourcesOf(exchange, bucket)) {
    const signed = createHmac('sha1', secret).update(stringToSign(exchange, claim, resource), 'latin1').digest();
    if (given.length === signed.length && timingSafeEqual(given, signed)) return;
  }
  throw signatureFault('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided. Check your key and signing method.', {
    AWSAccessKeyId: claim.accessKey,
    StringToSign: stringToSign(exchange, claim, resourcesOf(exchange, bucket)[0]!),
    SignatureProvided: claim.signature,
  });
}

function stringToSign(exchange: Exchange, { date, token }: V2Claim, resource: string): string {
  const amz = Object.entries(token === undefined ? exchange.headers : { ...exchange.headers, 'x-amz-security-token': token })
    .filter(([name]) => name.startsWith('x-amz-'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${(Array.isArray(value) ? value.join(',') : (value ?? '')).trim()}\n`)
    .join('');
  return `${exchange.method}\n${exchange.header('content-md5') ?? ''}\n${exchange.header('content-type') ?? ''}\n${date}\n${amz}${resource}`;
}

/** The resource as clients write it: of a bucket alone some sign it with a slash that they do not send. */
function resourcesOf(exchange: Exchange, bucket: string | undefined): string[] {
  const path = bucket === undefined ? exchange.path : `/${bucket}${exchange.path}`;
  const parameters = signedParameters(exchange.rawQuery);
  const paths = /^\/[^/]+$/.test(path) ? [path, `${path}/`] : [path];
  return paths.map((each) => each + parameters);
}

function signedParameters(rawQuery: string): string {
  const signed = rawQuery
    .split('&')
    .map((pair) => ({ pair, name: pair.split('=', 1)[0]!, equals: pair.indexOf('=') }))
    .filter(({ name }) => SIGNED_PARAMETERS.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ pair, name, equals }) => (equals < 0 ? name : `${name}=${percentDecodeLatin1(pair.slice(equals + 1))}`));
  return signed.length === 0 ? '' : `?${signed.join('&')}`;
}

function percentDecodeLatin1(raw: string): string {
  return Buffer.from(percentDecode(raw.replaceAll('+', ' ')) ?? raw, 'utf8').toString('latin1');
}
