/**
 * How a storage node is spoken to over HTTP: every call of the two ports is a POST to a path that names device and
 * operation, with a body of JSON or frames (frames.ts). Faults come back as a status and `{ code, message, detail }`.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { STORE_ERROR_CODES, StoreError, type StoreErrorCode } from '#common';
import type { Key } from './object-engine.ts';

export const OBJECT_OPERATIONS = ['stat', 'info', 'open', 'read', 'release', 'put', 'create', 'post', 'delete', 'prepare', 'abandon', 'settle', 'pending', 'digests', 'states', 'take', 'history'] as const;
export const LISTING_OPERATIONS = ['info', 'put', 'post', 'delete', 'merge', 'sync', 'list', 'unreported', 'reported', 'databaseDigests', 'databaseVersions', 'databaseState', 'databaseRows', 'rowDigests', 'adopt'] as const;
export type ObjectOperation = (typeof OBJECT_OPERATIONS)[number];
export type ListingOperation = (typeof LISTING_OPERATIONS)[number];

/** Where an operation goes: objects of a policy, or the listings, of one device. */
export type Route = { readonly device: string } & ({ readonly policy: number; readonly operation: ObjectOperation } | { readonly policy: undefined; readonly operation: ListingOperation });

/** Carries the head of a `create`, percent-encoded JSON: the answer `100 Continue` means that the writer is open. */
export const HEAD_HEADER = 'gori-head';
/** Trailer of a streamed answer: `ok`, or the fault that ended it. An answer without it was broken off. */
export const END_TRAILER = 'gori-end';
/** Objects up to this size come whole with the answer to `open`; larger ones, too, where the engine has their data at hand and they are a chunk. */
export const INLINE_BYTES = 64 << 10;
/** The most that a reader yields at once. */
export const MAX_CHUNK_BYTES = 1 << 20;

export function objectPath(device: string, policy: number, operation: ObjectOperation): string {
  return `/v1/${encodeURIComponent(device)}/objects/${policy}/${operation}`;
}

export function listingPath(device: string, operation: ListingOperation): string {
  return `/v1/${encodeURIComponent(device)}/listings/${operation}`;
}

/** Undefined for a path that is none of ours. */
export function parseRoute(path: string): Route | undefined {
  const match = /^\/v1\/([^/]+)\/(?:objects\/(\d{1,9})|listings)\/(\w+)$/.exec(path);
  if (!match) return undefined;
  const device = decodeURIComponent(match[1]!);
  const listingOperation = LISTING_OPERATIONS.find((name) => name === match[3]);
  const objectOperation = OBJECT_OPERATIONS.find((name) => name === match[3]);
  if (match[2] === undefined) return listingOperation && { device, policy: undefined, operation: listingOperation };
  return objectOperation && { device, policy: Number(match[2]), operation: objectOperation };
}

/** What nodes of one cluster show each other: derived from the cluster's secret, which itself never travels. */
export function bearerOf(secret: string): string {
  return `Bearer ${createHmac('sha256', secret).update('gori storage node, wire 1').digest('base64url')}`;
}

export function isBearer(header: string | undefined, expected: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(expected);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

export interface WireFault {
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly detail: StoreError['detail'];
}

export function encodeFault(error: unknown): WireFault {
  if (error instanceof StoreError) return { code: error.code, message: error.message, detail: error.detail };
  return { code: 'internal', message: 'the storage node failed', detail: {} };
}

/** The fault that a peer named; `device-unavailable` where what it said is not one. */
export function decodeFault(value: unknown): StoreError {
  const { code, message, detail } = (value ?? {}) as Partial<WireFault>;
  const known = STORE_ERROR_CODES.find((name) => name === code);
  if (known === undefined) return new StoreError('device-unavailable', 'the storage node answered what is no answer');
  return new StoreError(known, String(message), { detail: detail ?? {} });
}

export function statusOf(code: StoreErrorCode): number {
  const statuses: Partial<Record<StoreErrorCode, number>> = { 'bad-request': 400, 'body-incomplete': 400, unauthenticated: 401, 'entity-too-large': 413, 'clock-skew': 409, 'device-unavailable': 503, 'device-full': 507 };
  return statuses[code] ?? 500;
}

export function encodeKey(key: Key): string {
  return key.toString('hex');
}

export function decodeKey(value: unknown): Key {
  if (typeof value !== 'string' || !/^[0-9a-f]{32}$/.test(value)) throw new StoreError('bad-request', 'not a key');
  return Buffer.from(value, 'hex');
}
