/** Signatures with a key of an account or a container: of temporary URLs, and of forms. */
import { createHmac } from 'node:crypto';
import type { SwiftRequest } from '../request.ts';
import { isStoreError } from '#common';
import type { Grant } from '../authorize.ts';
import { TEMP_URL_KEYS } from '../privileged.ts';
import { sameText } from '../same-text.ts';

const LENGTHS = { sha1: 40, sha256: 64, sha512: 128 } as const;

export type Digest = keyof typeof LENGTHS;

export interface Signature {
  readonly digest: Digest;
  readonly hex: string;
}

/** A signature as clients write it: in hex, its length telling the digest, or `digest:base64`, also the URL-safe kind. */
export function parseSignature(text: string, allowed: readonly Digest[]): Signature | undefined {
  const colon = text.indexOf(':');
  const name = colon < 0 ? undefined : text.slice(0, colon);
  const hex = colon < 0 ? text : hexOfBase64(text.slice(colon + 1));
  const digest = allowed.find((known) => (name === undefined || name === known) && hex?.length === LENGTHS[known]);
  return digest !== undefined && hex !== undefined && /^[0-9a-f]+$/i.test(hex) ? { digest, hex } : undefined;
}

function hexOfBase64(text: string): string | undefined {
  return /^[\w+/-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64').toString('hex') : undefined;
}

export function isSignedWith(key: string, { digest, hex }: Signature, message: string): boolean {
  // Keys are kept as headers bring them, a character a byte.
  return sameText(createHmac(digest, Buffer.from(key, 'latin1')).update(message, 'utf8').digest('hex'), hex);
}

export interface Key {
  readonly key: string;
  /** What the key opens. */
  readonly grant: Grant;
}

/** The keys that may sign for something in this container. */
export async function keysOf({ store, accounts, account, container }: SwiftRequest): Promise<Key[]> {
  if (container === undefined) return [];
  const ofAccount = await accounts.metadata(account);
  const ofContainer = await store.containers.summary({ account, container }).then(({ metadata }) => metadata, ifAbsent);
  const keys = (metadata: Readonly<Record<string, string>>, grant: Grant): Key[] => TEMP_URL_KEYS.flatMap((name) => (metadata[name] === undefined ? [] : [{ key: metadata[name], grant }]));
  return [...keys(ofAccount, { account, container: undefined }), ...keys(ofContainer, { account, container })];
}

function ifAbsent(error: unknown): Readonly<Record<string, string>> {
  if (!isStoreError(error, 'container-not-found')) throw error;
  return {};
}
