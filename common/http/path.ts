/** Request targets as bytes: percent-decoding that refuses what is not UTF-8, and encoding for headers and listings. */
import { isUtf8 } from 'node:buffer';

const PLAIN = /^[\x21-\x24\x26-\x7e]*$/;

/** Decodes `%41` and raw bytes of a request target to text; undefined where the bytes are not UTF-8. A stray `%` stands for itself. */
export function percentDecode(raw: string): string | undefined {
  if (PLAIN.test(raw)) return raw;
  const bytes = Buffer.allocUnsafe(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    const high = code === 0x25 ? hexDigit(raw.charCodeAt(i + 1)) : -1;
    const low = high < 0 ? -1 : hexDigit(raw.charCodeAt(i + 2));
    if (low >= 0) {
      bytes[length++] = high * 16 + low;
      i += 2;
    } else {
      bytes[length++] = code;
    }
  }
  const decoded = bytes.subarray(0, length);
  if (!isUtf8(decoded)) return undefined;
  return decoded.toString('utf8');
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Percent-encodes text for a path: everything but unreserved characters and `/`. */
export function percentEncodePath(text: string): string {
  return encodeURIComponent(text).replace(/%2F/g, '/').replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The raw target split at the first `?`. Of the absolute form that proxies are sent (RFC 9112, section 3.2.2), the scheme and host are left out. */
export function splitTarget(target: string): { path: string; query: string } {
  const local = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
  const mark = local.indexOf('?');
  return mark < 0 ? { path: local, query: '' } : { path: local.slice(0, mark), query: local.slice(mark + 1) };
}

/** The parameters of a query, first value of each name; undefined if a name or value is not UTF-8. A `+` is a space. */
export function parseQuery(query: string): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>();
  if (query === '') return parameters;
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = percentDecode((equals < 0 ? pair : pair.slice(0, equals)).replaceAll('+', ' '));
    const value = percentDecode(equals < 0 ? '' : pair.slice(equals + 1).replaceAll('+', ' '));
    if (name === undefined || value === undefined) return undefined;
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}
