/**
 * Tokens of OpenID Connect issuers, judged by `jose`: signed with a key that the issuer publishes, for one of the provider's clients, and in force.
 * Where to fetch keys is what whoever may register providers says, so only https is asked, unless the configuration lists the issuer.
 */
import { createRemoteJWKSet, customFetch, decodeJwt, errors, jwtVerify, type FetchImplementation, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { issuerName, type Provider } from './entities.ts';
import { IamFault } from './faults.ts';

const TIMEOUT_MS = 5000;
const MAX_DOCUMENT_BYTES = 512 * 1024;
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const ISSUERS = 100;

export interface WebIdentityOptions {
  /** Issuers that may be asked over plain HTTP, as they call themselves. */
  readonly plainIssuers: readonly string[];
  readonly nowMs: () => number;
}

/** Who a token speaks of. */
export interface WebIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly claims: JWTPayload;
}

export class WebIdentities {
  readonly #options: WebIdentityOptions;
  readonly #keys = new LRUCache<string, Promise<JWTVerifyGetKey>>({ max: ISSUERS, ttl: 3_600_000 });

  constructor(options: WebIdentityOptions) {
    this.#options = options;
  }

  /** The issuer that a token says it is of, before anything of it is believed. */
  issuerOf(token: string): string {
    try {
      const { iss } = decodeJwt(token);
      if (iss !== undefined) return iss;
    } catch (error) {
      if (!(error instanceof errors.JWTInvalid)) throw error;
    }
    throw new IamFault('InvalidIdentityToken', "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements");
  }

  async verify(token: string, { url, clientIds }: Provider): Promise<WebIdentity> {
    const issuer = this.issuerOf(token);
    if (issuerName(issuer) !== issuerName(url)) throw new IamFault('InvalidIdentityToken', 'The token is of another issuer than the provider.');
    const keys = await this.#keysOf(issuer);
    const { payload } = await jwtVerify(token, keys, { issuer, algorithms: ALGORITHMS, currentDate: new Date(this.#options.nowMs()), requiredClaims: ['sub', 'exp', 'iat'] }).catch((error: unknown) => {
      throw asFault(error);
    });
    const audiences = [payload['azp'], payload.aud].flat().filter((each) => typeof each === 'string');
    const audience = audiences.find((each) => clientIds.includes(each));
    if (clientIds.length > 0 && audience === undefined) throw new IamFault('InvalidIdentityToken', 'Incorrect token audience');
    return { issuer, subject: payload.sub!, audience: audience ?? audiences[0] ?? '', claims: payload };
  }

  #keysOf(issuer: string): Promise<JWTVerifyGetKey> {
    let keys = this.#keys.get(issuer);
    if (keys === undefined) {
      keys = this.#discover(issuer);
      keys.catch(() => this.#keys.delete(issuer));
      this.#keys.set(issuer, keys);
    }
    return keys;
  }

  /** OpenID Connect Discovery 1.0, section 4: the issuer's configuration says where its keys are. */
  async #discover(issuer: string): Promise<JWTVerifyGetKey> {
    this.#checkAddress(issuer, issuer);
    const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const answer = await bounded(address, { headers: { Accept: 'application/json' } }).then((response) => response.json()).catch((error: unknown) => {
      throw unreachable(error);
    });
    const uri = (answer as { jwks_uri?: unknown }).jwks_uri;
    if (typeof uri !== 'string' || !URL.canParse(uri)) throw unreachable(new Error('no jwks_uri'));
    this.#checkAddress(uri, issuer);
    const fetching: FetchImplementation = (url, options) => bounded(url, options);
    return createRemoteJWKSet(new URL(uri), { timeoutDuration: TIMEOUT_MS, [customFetch]: fetching });
  }

  #checkAddress(address: string, issuer: string): void {
    const plain = address.startsWith('http://') && this.#options.plainIssuers.some((each) => issuerName(each) === issuerName(issuer));
    if (!address.startsWith('https://') && !plain) throw new IamFault('IDPCommunicationError', 'An identity provider is asked over https only.');
  }
}

/** A fetch that neither hangs, nor is led elsewhere, nor fills the memory. */
async function bounded(address: string, options: RequestInit): Promise<Response> {
  const response = await fetch(address, { ...options, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > MAX_DOCUMENT_BYTES) throw new Error('the identity provider answers with too much');
    chunks.push(Buffer.from(chunk as Uint8Array));
  }
  return new Response(Buffer.concat(chunks), { status: response.status, headers: response.headers });
}

function asFault(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new IamFault('ExpiredTokenException', `Token expired: ${error.message}`);
  if (error instanceof errors.JWTClaimValidationFailed) return new IamFault('InvalidIdentityToken', `The token cannot be used: ${error.message}`);
  if (error instanceof errors.JWKSTimeout) return unreachable(error);
  if (error instanceof errors.JOSEError) return new IamFault('InvalidIdentityToken', 'The token cannot be verified with the keys of its issuer.');
  return error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError') ? unreachable(error) : error;
}

function unreachable(error: unknown): IamFault {
  const fault = new IamFault('IDPCommunicationError', 'The identity provider did not answer as it should.');
  fault.cause = error;
  return fault;
}
