/** Swift's limits, as /info publishes them, and the checks that hold requests to them, in Swift's words. */
import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { HTML, Refusal } from './refusal.ts';

export const CONSTRAINTS = {
  max_file_size: 5_368_709_122,
  max_meta_name_length: 128,
  max_meta_value_length: 256,
  max_meta_count: 90,
  max_meta_overall_size: 4096,
  max_header_size: 8192,
  extra_header_count: 0,
  max_object_name_length: 1024,
  max_container_name_length: 256,
  max_account_name_length: 256,
  container_listing_limit: 10_000,
  account_listing_limit: 10_000,
} as const;

type Level = 'account' | 'container' | 'object';

/** Refuses a name longer than its level allows, counted in bytes of UTF-8. */
export function checkNameLength(level: 'container' | 'object', name: string): void {
  const limit = level === 'container' ? CONSTRAINTS.max_container_name_length : CONSTRAINTS.max_object_name_length;
  if (name.length * 3 <= limit) return;
  const length = Buffer.byteLength(name);
  if (length <= limit) return;
  const [word, type] = level === 'container' ? ['Container', HTML] : ['Object', 'text/plain; charset=UTF-8'];
  throw new Refusal(400, `${word} name length of ${length} longer than ${limit}`, { 'Content-Type': type });
}

/** Refuses headers of user metadata beyond Swift's limits. Values are latin-1 text: a character is a byte. */
export function checkMetadataHeaders(level: Level, headers: IncomingHttpHeaders): void {
  const prefix = `x-${level}-meta-`;
  const metadata: [string, string][] = [];
  for (const name in headers) {
    const value = headers[name];
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
    if (text.length > CONSTRAINTS.max_header_size) throw new Refusal(400, `Header value too long: ${name.slice(0, CONSTRAINTS.max_meta_name_length)}`);
    if (!name.startsWith(prefix)) continue;
    // Listings of accounts and containers are text; objects carry whatever bytes they are given.
    if (level !== 'object' && !isUtf8(Buffer.from(text, 'latin1'))) throw new Refusal(400, 'Metadata must be valid UTF-8');
    metadata.push([name.slice(prefix.length), text]);
  }
  checkMetadata(metadata, prefix);
}

/** Refuses a set of user metadata (names without their prefix) beyond Swift's limits. */
export function checkMetadata(metadata: readonly (readonly [name: string, value: string])[], prefix = ''): void {
  let size = 0;
  for (const [name, value] of metadata) {
    if (name === '') throw new Refusal(400, 'Metadata name cannot be empty');
    if (name.length > CONSTRAINTS.max_meta_name_length) throw new Refusal(400, `Metadata name too long: ${prefix}${name}`);
    if (value.length > CONSTRAINTS.max_meta_value_length) {
      throw new Refusal(400, `Metadata value longer than ${CONSTRAINTS.max_meta_value_length}: ${prefix}${name}`);
    }
    size += name.length + value.length;
  }
  if (metadata.length > CONSTRAINTS.max_meta_count) throw new Refusal(400, `Too many metadata items; max ${CONSTRAINTS.max_meta_count}`);
  if (size > CONSTRAINTS.max_meta_overall_size) throw new Refusal(400, `Total metadata too large; max ${CONSTRAINTS.max_meta_overall_size}`);
}
