/** What is kept of each identity, and how AWS names it. */
import { randomBytes } from 'node:crypto';

/** Names of policies that were written for this identity alone, with their texts. */
export type InlinePolicies = Readonly<Record<string, string>>;
export type Tags = readonly (readonly [key: string, value: string])[];

interface Named {
  /** e.g. `AIDA...`; never used again. */
  readonly id: string;
  readonly name: string;
  /** `/` or `/division/team/`. */
  readonly path: string;
  readonly createdAtMs: number;
}

interface HasPolicies {
  readonly inline: InlinePolicies;
  /** ARNs of managed policies. */
  readonly attached: readonly string[];
}

export interface AccessKey {
  readonly id: string;
  readonly createdAtMs: number;
  readonly active: boolean;
}

export interface User extends Named, HasPolicies {
  /** Whose account its buckets are made in. */
  readonly project: string;
  readonly groups: readonly string[];
  readonly keys: readonly AccessKey[];
  readonly tags: Tags;
  readonly boundary?: string | undefined;
  /** It is named in the configuration, and only its policies and keys are kept here. */
  readonly configured?: boolean | undefined;
  /** It is being deleted: whoever finds it takes it for gone. */
  readonly deleted?: boolean | undefined;
}

export interface Group extends Named, HasPolicies {
  readonly deleted?: boolean | undefined;
}

export interface Role extends Named, HasPolicies {
  readonly project: string;
  /** Who may assume it. */
  readonly trust: string;
  readonly description: string | undefined;
  readonly maxSessionSeconds: number;
  readonly tags: Tags;
  readonly boundary?: string | undefined;
}

export interface ManagedPolicy extends Named {
  readonly description: string | undefined;
  readonly versions: readonly { readonly id: string; readonly text: string; readonly createdAtMs: number }[];
  readonly defaultVersion: string;
  readonly nextVersion: number;
  readonly updatedAtMs: number;
  readonly tags: Tags;
}

export interface Provider {
  /** As it was given, e.g. `https://accounts.example.com`. */
  readonly url: string;
  readonly clientIds: readonly string[];
  readonly thumbprints: readonly string[];
  readonly createdAtMs: number;
  readonly tags: Tags;
}

/** Whose an access key is, and the secret, sealed. */
export interface KeyRecord {
  readonly account: string;
  readonly userId: string;
  readonly secret: string;
}

const PREFIXES = { user: 'AIDA', group: 'AGPA', role: 'AROA', policy: 'ANPA', key: 'AKIA', session: 'ASIA' } as const;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A fresh id of 20 characters, 80 bits of which are chance. */
export function newId(kind: keyof typeof PREFIXES): string {
  return PREFIXES[kind] + Array.from(randomBytes(16), (byte) => ALPHABET[byte & 31]).join('');
}

export function newSecret(): string {
  return randomBytes(30).toString('base64');
}

export function arnOf(kind: 'user' | 'group' | 'role' | 'policy', account: string, { path, name }: { path: string; name: string }): string {
  return `arn:aws:iam::${account}:${kind}${path}${name}`;
}

export function providerArn(account: string, url: string): string {
  return `arn:aws:iam::${account}:oidc-provider/${issuerName(url)}`;
}

/** An issuer as ARNs and condition keys name it: without its scheme. */
export function issuerName(url: string): string {
  return url.replace(/^https?:\/\//, '').replace(/\/$/, '');
}
