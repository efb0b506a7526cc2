/**
 * The canonical form of a request that its signature is made over (AWS "Signature Version 4 signing process"). S3 encodes a path once
 * and never normalises it: `a//b`, `a/./b` and `a/../b` are keys of their own.
 */
import { hash } from 'node:crypto';
import type { Exchange } from '#proxy/edge';

const CANONICAL_PATH = /^[A-Za-z0-9\-._~/]*$/;
const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

/** A raw path or parameter with exactly those bytes escaped that must be. A `+` is a plus; a slash in a path is one, however it was sent. */
export function canonicalEncoding(raw: string, slash: boolean): string {
  if (slash ? CANONICAL_PATH.test(raw) : /^[A-Za-z0-9\-._~]*$/.test(raw)) return raw;
  let out = '';
  for (let i = 0; i < raw.length; i++) {
    const character = raw[i]!;
    const digits = raw.slice(i + 1, i + 3);
    const escaped = character === '%' && /^[0-9A-Fa-f]{2}$/.test(digits);
    const code = escaped ? Number.parseInt(digits, 16) : raw.charCodeAt(i);
    if (escaped) i += 2;
    const byte = String.fromCharCode(code & 0xff);
    out += UNRESERVED.test(byte) || (slash && byte === '/') ? byte : `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

export interface QueryParameter {
  readonly name: string;
  readonly value: string;
}

/** The parameters as they stand in the query, canonically encoded. */
export function queryParameters(rawQuery: string): QueryParameter[] {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
      return { name: canonicalEncoding(name, false), value: canonicalEncoding(value, false) };
    });
}

/** Sorted by name, then value, both in their encoded form; `without` is left out. */
export function canonicalQuery(rawQuery: string, without?: string): string {
  if (rawQuery === '') return '';
  return queryParameters(rawQuery)
    .filter(({ name }) => name !== without)
    .sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Name and value lines of the signed headers; undefined where one of them did not come. */
export function canonicalHeaders(exchange: Exchange, signed: readonly string[]): string | undefined {
  let lines = '';
  for (const name of signed) {
    const value = exchange.headers[name];
    if (value === undefined) return undefined;
    const text = Array.isArray(value) ? value.map(collapsed).join(',') : collapsed(value);
    lines += `${name}:${text}\n`;
  }
  return lines;
}

function collapsed(value: string): string {
  return value.trim().replace(/ {2,}/g, ' ');
}

export interface CanonicalParts {
  readonly path: string;
  readonly query: string;
  readonly headers: string;
  readonly signedHeaders: string;
  readonly payloadHash: string;
}

export function canonicalRequest(method: string, { path, query, headers, signedHeaders, payloadHash }: CanonicalParts): string {
  return `${method}\n${path}\n${query}\n${headers}\n${signedHeaders}\n${payloadHash}`;
}

/** SHA-256 in hex of text whose characters are bytes. */
export function sha256OfBytes(text: string): string {
  return hash('sha256', Buffer.from(text, 'latin1'), 'hex');
}
