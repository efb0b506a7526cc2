/**
 * Temporary credentials that no proxy has to remember: who, what bounds him and until when are in the token, sealed with a key of the cluster's
 * secret; the secret key is made of the access key with another. Every proxy of the cluster takes them, and a restart forgets none.
 */
import { createHmac } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { seal, unseal } from '#proxy/core';
import { newId } from './entities.ts';

/** What a token says. Short names: it travels with every request. */
export interface SessionClaims {
  readonly accessKey: string;
  /** Of the identity's account. */
  readonly account: string;
  /** A user, by the key that asked for the session; or a role, by name and id. */
  readonly of: { readonly key: string } | { readonly role: string; readonly id: string; readonly name: string };
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
  /** Texts of policies that came with the request for it, and ARNs of managed ones. */
  readonly policies?: readonly string[] | undefined;
  readonly policyArns?: readonly string[] | undefined;
  readonly tags?: readonly (readonly [string, string])[] | undefined;
  readonly sourceIdentity?: string | undefined;
  readonly claims?: Readonly<Record<string, readonly string[]>> | undefined;
}

export interface TemporaryCredentials {
  readonly accessKey: string;
  readonly secret: string;
  readonly token: string;
  readonly expiresAtSeconds: number;
}

const CONTEXT = 'session';
const MAX_CLAIMS_BYTES = 1 << 20;

export class SessionTokens {
  readonly #sealing: Buffer;
  readonly #secrets: Buffer;

  /** The cluster's secret. */
  constructor(secret: string) {
    const derive = (purpose: string): Buffer => createHmac('sha256', secret).update(purpose).digest();
    this.#sealing = derive('seals of session tokens');
    this.#secrets = derive('secret keys of sessions');
  }

  issue(claims: Omit<SessionClaims, 'accessKey'>): TemporaryCredentials {
    const accessKey = newId('session');
    const packed = deflateRawSync(JSON.stringify({ ...claims, accessKey } satisfies SessionClaims));
    return { accessKey, secret: this.secretOf(accessKey), token: seal(this.#sealing, packed, CONTEXT).toString('base64'), expiresAtSeconds: claims.expiresAtSeconds };
  }

  /** What a token says; undefined for one that is not this cluster's. Whether it is still in force its reader has to ask. */
  open(token: string): SessionClaims | undefined {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(token)) return undefined;
    const packed = unseal(this.#sealing, Buffer.from(token, 'base64'), CONTEXT);
    return packed === undefined ? undefined : (JSON.parse(inflateRawSync(packed, { maxOutputLength: MAX_CLAIMS_BYTES }).toString('utf8')) as SessionClaims);
  }

  secretOf(accessKey: string): string {
    return createHmac('sha256', this.#secrets).update(accessKey).digest('base64').slice(0, 40);
  }
}
