/** Verifies the signature of a request in whichever way it is signed, and says who signed it and how its body is vouched for. */
import { parseQuery } from '#common/http';
import type { Body } from '#common/stream';
import type { KeyHolder } from '#proxy/core';
import type { Exchange } from '#proxy/edge';
import { signatureFault } from './fault.ts';
import { signerOfForm } from './form-signature.ts';
import type { Credentials, KeyHolders } from './key-holders.ts';
import { verifiedBody, type Payload } from './payload.ts';
import { checkV2, claimOfV2Header, claimOfV2Query, type V2Claim } from './sigv2.ts';
import { checkSkew, checkV4, claimOfHeader, claimOfQuery, msOf, scopeText, SigningKeys, V4_ALGORITHM, type V4Claim } from './sigv4.ts';

/** Who sent a request, as its signature proves it. */
export interface Signed {
  /** Undefined for a request that nobody signed. */
  readonly holder: KeyHolder | undefined;
  readonly presigned: boolean;
  readonly service: string;
  /** The data of the request, out of its raw body. Trailers are told before the data end. */
  body(raw: Body, onTrailers: (trailers: ReadonlyMap<string, string>) => void): Body;
  /** Length of the data; undefined where nothing says it. */
  readonly decodedBytes: number | undefined;
  /** Trailers that were announced. */
  readonly trailers: readonly string[];
}

export interface SignaturesOptions {
  readonly holders: KeyHolders;
  readonly region: string;
  readonly nowMs: () => number;
}

const NO_TRAILERS: readonly string[] = [];
const STREAMING = /^STREAMING-(AWS4-HMAC-SHA256|UNSIGNED)-PAYLOAD(-TRAILER)?$/;

export class Signatures {
  readonly #options: SignaturesOptions;
  readonly #keys = new SigningKeys();

  constructor(options: SignaturesOptions) {
    this.#options = options;
  }

  /** `bucket` is the one that the Host names. Throws `unauthenticated` with S3's code for what is wrong. */
  identify(exchange: Exchange, bucket: string | undefined): Signed {
    const authorization = exchange.header('authorization');
    if (authorization?.startsWith(V4_ALGORITHM) === true) return this.#v4(exchange, claimOfHeader(exchange, authorization, serviceIn(authorization)));
    if (authorization?.startsWith('AWS ') === true) return this.#v2(exchange, claimOfV2Header(exchange, authorization, this.#options.nowMs()), false, bucket);
    if (authorization !== undefined && authorization !== '') throw signatureFault('InvalidArgument', 'Unsupported Authorization Type');
    if (/(?:^|&)X-Amz-(?:Algorithm|Signature|Credential)=/i.test(exchange.rawQuery)) return this.#v4(exchange, claimOfQuery(exchange, this.#options.nowMs()));
    if (/(?:^|&)(?:AWSAccessKeyId|Signature)=/.test(exchange.rawQuery)) {
      return this.#v2(exchange, claimOfV2Query(parseQuery(exchange.rawQuery) ?? new Map<string, string>(), this.#options.nowMs()), true, bucket);
    }
    if (exchange.rawQuery === 'Signature' || authorization === '') throw signatureFault('AccessDenied', 'Access Denied');
    return signed(undefined, payloadOf(exchange, undefined, undefined), { presigned: false, service: 's3' }, exchange);
  }

  /** Who signed a form; its fields by lower-case name. */
  identifyForm(fields: ReadonlyMap<string, string>): KeyHolder | undefined {
    return signerOfForm(fields, this.#options.holders, this.#keys);
  }

  #v4(exchange: Exchange, claim: V4Claim): Signed {
    const { scope, presigned } = claim;
    const { holder, secret } = this.#credentials(scope.accessKey, exchange);
    const { region, nowMs } = this.#options;
    if (scope.region !== region) {
      throw signatureFault(presigned ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed', `The authorization header is malformed; the region '${scope.region}' is wrong; expecting '${region}'`, { Region: region });
    }
    if (!presigned) checkSkew(msOf(claim.timestamp), nowMs());
    const key = this.#keys.key(secret, scope);
    checkV4(exchange, claim, key);
    return signed(holder, payloadOf(exchange, claim, key), { presigned, service: scope.service }, exchange);
  }

  #v2(exchange: Exchange, claim: V2Claim, presigned: boolean, bucket: string | undefined): Signed {
    const { holder, secret } = this.#credentials(claim.accessKey, exchange);
    checkV2(exchange, claim, secret, bucket);
    return signed(holder, payloadOf(exchange, undefined, undefined), { presigned, service: 's3' }, exchange);
  }

  #credentials(accessKey: string, exchange: Exchange): Credentials {
    if (exchange.header('x-amz-security-token') !== undefined) throw signatureFault('InvalidToken', 'The provided token is malformed or otherwise invalid.');
    const credentials = this.#options.holders.byAccessKey(accessKey);
    if (credentials === undefined) throw signatureFault('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', { AWSAccessKeyId: accessKey });
    return credentials;
  }
}

function serviceIn(authorization: string): string {
  return /Credential=[^,]*\/([a-z0-9-]+)\/aws4_request/.exec(authorization)?.[1] ?? 's3';
}

function signed(holder: KeyHolder | undefined, payload: Payload, { presigned, service }: { presigned: boolean; service: string }, exchange: Exchange): Signed {
  return {
    holder,
    presigned,
    service,
    body: (raw, onTrailers) => verifiedBody(raw, payload, onTrailers),
    decodedBytes: payload.form === 'chunked' ? payload.decodedBytes : exchange.chunked ? undefined : exchange.contentLength,
    trailers: payload.form === 'chunked' ? payload.trailers : NO_TRAILERS,
  };
}

function payloadOf(exchange: Exchange, claim: V4Claim | undefined, key: Buffer | undefined): Payload {
  const text = claim === undefined ? (exchange.header('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD') : claim.payloadHash;
  const streaming = STREAMING.exec(text);
  if (streaming !== null) {
    const decoded = exchange.header('x-amz-decoded-content-length');
    if (decoded === undefined || !/^\d{1,15}$/.test(decoded)) throw signatureFault('MissingContentLength', 'You must provide the Content-Length HTTP header.');
    const signing = streaming[1] === 'UNSIGNED' || claim === undefined || key === undefined ? undefined : { key, timestamp: claim.timestamp, scope: scopeText(claim.scope), seed: claim.signature };
    const trailers = (exchange.header('x-amz-trailer') ?? '').split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
    return { form: 'chunked', signing, trailers: streaming[2] === undefined ? NO_TRAILERS : trailers, decodedBytes: Number(decoded) };
  }
  if (text === 'UNSIGNED-PAYLOAD' || text === '') return { form: 'unsigned' };
  if (!/^[0-9a-f]{64}$/.test(text)) throw signatureFault('InvalidArgument', 'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.');
  return { form: 'hashed', sha256: text };
}
