/** Verifies the signature of a request in whichever way it is signed, and says who signed it and how its body is vouched for. */
import { hash } from 'node:crypto';
import { parseQuery, percentDecode } from '#common/http';
import type { Body } from '#common/stream';
import type { KeyHolder } from '#proxy/core';
import type { Exchange } from '#proxy/edge';
import { signatureFault } from './fault.ts';
import { signerOfForm } from './form-signature.ts';
import type { Credentials } from './key-holders.ts';
import { verifiedBody, type Payload } from './payload.ts';
import { shortBody } from './chunk-decoder.ts';
import { checkV2, claimOfV2Header, claimOfV2Query, type V2Claim } from './sigv2.ts';
import { checkSkew, checkV4, claimOfHeader, claimOfQuery, msOf, scopeText, SigningKeys, V4_ALGORITHM, type V4Claim } from './sigv4.ts';

/** Who sent a request, as its signature proves it. */
export interface Signed<Holder extends KeyHolder = KeyHolder> {
  /** Undefined for a request that nobody signed. */
  readonly holder: Holder | undefined;
  readonly presigned: boolean;
  readonly service: string;
  /** The data of the request, out of its raw body. Trailers are told before the data end. */
  body(raw: Body, onTrailers: (trailers: ReadonlyMap<string, string>) => void): Body;
  /** Length of the data; undefined where nothing says it. */
  readonly decodedBytes: number | undefined;
  /** Trailers that were announced. */
  readonly trailers: readonly string[];
}

/** Whose an access key is. A `token` came with it where the credentials are temporary; throws `unauthenticated` where it is not good. */
export type KeySource<Holder extends KeyHolder> = (accessKey: string, token: string | undefined) => Promise<Credentials<Holder> | undefined>;

export interface SignaturesOptions<Holder extends KeyHolder> {
  readonly keys: KeySource<Holder>;
  readonly region: string;
  readonly nowMs: () => number;
}

const NO_TRAILERS: readonly string[] = [];
const UNSIGNED = 'UNSIGNED-PAYLOAD';
const STREAMING = /^STREAMING-(AWS4-HMAC-SHA256|UNSIGNED)-PAYLOAD(-TRAILER)?$/;

/** Services that have one region only, whatever S3's is called. */
const GLOBAL_REGION = 'us-east-1';
const TOKEN_IN_QUERY = /(?:^|&)X-Amz-Security-Token=([^&]*)/i;

export class Signatures<Holder extends KeyHolder> {
  readonly #options: SignaturesOptions<Holder>;
  readonly #keys = new SigningKeys();

  constructor(options: SignaturesOptions<Holder>) {
    this.#options = options;
  }

  /** `bucket` is the one that the Host names. Throws `unauthenticated` with S3's code for what is wrong. */
  async identify(exchange: Exchange, bucket: string | undefined): Promise<Signed<Holder>> {
    const authorization = exchange.header('authorization');
    if (authorization?.startsWith('AWS') === true && /(?:^|&)(?:X-Amz-Algorithm|X-Amz-Signature|Signature)=/.test(exchange.rawQuery)) {
      throw signatureFault('InvalidArgument', 'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified', { ArgumentName: 'Authorization', ArgumentValue: authorization });
    }
    if (authorization?.startsWith(V4_ALGORITHM) === true) return this.#v4(exchange, claimOfHeader(exchange, authorization, serviceIn(authorization)));
    if (authorization?.startsWith('AWS ') === true) return this.#v2(exchange, claimOfV2Header(exchange, authorization, this.#options.nowMs()), false, bucket);
    if (authorization !== undefined && authorization !== '') throw signatureFault('InvalidArgument', 'Unsupported Authorization Type');
    if (/(?:^|&)X-Amz-(?:Algorithm|Signature|Credential)=/i.test(exchange.rawQuery)) return this.#v4(exchange, claimOfQuery(exchange, this.#options.nowMs()));
    if (/(?:^|&)(?:AWSAccessKeyId|Signature)=/.test(exchange.rawQuery)) {
      return this.#v2(exchange, claimOfV2Query(parseQuery(exchange.rawQuery) ?? new Map<string, string>(), this.#options.nowMs()), true, bucket);
    }
    if (exchange.rawQuery === 'Signature' || authorization === '') throw signatureFault('AccessDenied', 'Access Denied');
    return signed<Holder>(undefined, payloadOf(exchange, undefined, undefined), { presigned: false, service: 's3' }, exchange);
  }

  /** Who signed a request of another service, whose body is a form: its hash is what is signed. Undefined where nobody did. */
  async identifyForService(exchange: Exchange, body: Buffer): Promise<Holder | undefined> {
    const authorization = exchange.header('authorization');
    const payloadHash = hash('sha256', body, 'hex');
    if (authorization?.startsWith(V4_ALGORITHM) === true) return (await this.#v4(exchange, { ...claimOfHeader(exchange, authorization, ''), payloadHash })).holder;
    if (authorization !== undefined) throw signatureFault('AuthorizationHeaderMalformed', 'Authorization header requires Signature Version 4.');
    if (!/(?:^|&)X-Amz-Signature=/.test(exchange.rawQuery)) return undefined;
    return (await this.#v4(exchange, { ...claimOfQuery(exchange, this.#options.nowMs()), payloadHash })).holder;
  }

  /** Who signed a form; its fields by lower-case name. */
  identifyForm(fields: ReadonlyMap<string, string>): Promise<Holder | undefined> {
    return signerOfForm(fields, (accessKey) => this.#credentials(accessKey, fields.get('x-amz-security-token')), this.#keys);
  }

  async #v4(exchange: Exchange, claim: V4Claim): Promise<Signed<Holder>> {
    const { scope, presigned } = claim;
    const inQuery = presigned ? TOKEN_IN_QUERY.exec(exchange.rawQuery)?.[1] : undefined;
    const { holder, secret } = await this.#credentials(scope.accessKey, inQuery === undefined ? exchange.header('x-amz-security-token') : percentDecode(inQuery));
    const { region, nowMs } = this.#options;
    // Who is told of no region signs for none: there is one only that he can mean.
    if (scope.region !== region && scope.region !== '' && (scope.service === 's3' || scope.region !== GLOBAL_REGION)) {
      throw signatureFault(presigned ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed', `The authorization header is malformed; the region '${scope.region}' is wrong; expecting '${region}'`, { Region: region });
    }
    if (!presigned) checkSkew(msOf(claim.timestamp), nowMs());
    const key = this.#keys.key(secret, scope);
    const canonical = checkV4(exchange, claim, key);
    const payload = presigned ? otherPayload(exchange) : payloadOf(exchange, claim, { key, canonical });
    return signed(holder, payload, { presigned, service: scope.service }, exchange);
  }

  async #v2(exchange: Exchange, claim: V2Claim, presigned: boolean, bucket: string | undefined): Promise<Signed<Holder>> {
    const { holder, secret } = await this.#credentials(claim.accessKey, claim.token ?? exchange.header('x-amz-security-token'));
    checkV2(exchange, claim, secret, bucket);
    return signed(holder, otherPayload(exchange), { presigned, service: 's3' }, exchange);
  }

  async #credentials(accessKey: string, token: string | undefined): Promise<Credentials<Holder>> {
    const credentials = await this.#options.keys(accessKey, token);
    if (credentials === undefined) throw signatureFault('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', { AWSAccessKeyId: accessKey });
    return credentials;
  }
}

function serviceIn(authorization: string): string {
  return /Credential=[^,]*\/([a-z0-9-]+)\/aws4_request/.exec(authorization)?.[1] ?? 's3';
}

function signed<Holder extends KeyHolder>(holder: Holder | undefined, payload: Payload, { presigned, service }: { presigned: boolean; service: string }, exchange: Exchange): Signed<Holder> {
  return {
    holder,
    presigned,
    service,
    body: (raw, onTrailers) => verifiedBody(raw, payload, onTrailers),
    decodedBytes: payload.form === 'chunked' ? payload.decodedBytes : exchange.chunked ? undefined : exchange.contentLength,
    trailers: payload.form === 'chunked' ? (payload.trailers ?? NO_TRAILERS) : NO_TRAILERS,
  };
}

/** How the body of a request is vouched for whose head is signed in its header, or by nobody. */
function payloadOf(exchange: Exchange, claim: V4Claim | undefined, made: { key: Buffer; canonical: string } | undefined): Payload {
  const text = claim === undefined ? (exchange.header('x-amz-content-sha256') ?? UNSIGNED) : claim.payloadHash;
  const streaming = STREAMING.exec(text);
  if (streaming !== null) {
    const { accessKey } = claim?.scope ?? {};
    const signing = streaming[1] === 'UNSIGNED' || claim === undefined || made === undefined ? undefined : { ...made, accessKey: accessKey!, timestamp: claim.timestamp, scope: scopeText(claim.scope), seed: claim.signature };
    return { form: 'chunked', signing, trailers: streaming[2] === undefined ? undefined : trailersOf(exchange.header('x-amz-trailer')), decodedBytes: decodedBytesOf(exchange) };
  }
  if (text === UNSIGNED || text === '') return { form: 'unsigned' };
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    throw signatureFault('InvalidArgument', 'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.', { ArgumentName: 'x-amz-content-sha256', ArgumentValue: text });
  }
  return { form: 'hashed', sha256: text };
}

/** The same where the head is signed in another way: then no framing is taken off, and whatever the header says is what the body must hash to. */
function otherPayload(exchange: Exchange): Payload {
  const text = exchange.header('x-amz-content-sha256') ?? UNSIGNED;
  if (text === UNSIGNED || text === '') return { form: 'unsigned' };
  if (STREAMING.test(text)) {
    const decoded = decodedBytesOf(exchange);
    const { contentLength } = exchange;
    if (contentLength !== undefined && contentLength !== decoded) throw shortBody(contentLength, decoded);
  }
  return { form: 'hashed', sha256: text };
}

function decodedBytesOf(exchange: Exchange): number {
  const decoded = exchange.header('x-amz-decoded-content-length');
  if (decoded === undefined || !/^\d{1,15}$/.test(decoded)) throw signatureFault('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  return Number(decoded);
}

/** Checksums that may come behind a body. */
const TRAILERS: ReadonlySet<string> = new Set(['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'].map((name) => `x-amz-checksum-${name}`));

/** The trailers that a header announces. Commas behind the last are nothing; between two, or before one, they stand for a name that is none. */
function trailersOf(header = ''): string[] {
  const names = header.replace(/,+$/, '').split(',').map((name) => name.trim().toLowerCase());
  if (names.length === 1 && names[0] === '') return [];
  if (names.some((name) => !TRAILERS.has(name))) throw signatureFault('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported');
  return names;
}
