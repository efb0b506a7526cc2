/** User metadata of accounts and containers between headers and core: what a request sets and removes, and how it is shown. */
import type { IncomingHttpHeaders } from 'node:http';
import { USER_PREFIX } from '#proxy/core';
import { checkMetadata } from './constraints.ts';
import { titleCase } from './header-names.ts';

/** The changes a request makes: `X-<Level>-Meta-*` sets (an empty value removes), `X-Remove-<Level>-Meta-*` removes. */
export function userMetadataChanges(level: 'account' | 'container', headers: IncomingHttpHeaders): Record<string, string> {
  const changes: Record<string, string> = {};
  const set = `x-${level}-meta-`;
  const remove = `x-remove-${level}-meta-`;
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(remove)) changes[USER_PREFIX + name.slice(remove.length)] ??= '';
    else if (name.startsWith(set)) changes[USER_PREFIX + name.slice(set.length)] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  return changes;
}

/** Refuses a change after which the stored user metadata, all together, would be beyond Swift's limits. */
export function checkMergedMetadata(current: Readonly<Record<string, string>>, changes: Readonly<Record<string, string>>): void {
  const merged = Object.entries({ ...current, ...changes }).filter(([name, value]) => name.startsWith(USER_PREFIX) && value !== '');
  checkMetadata(merged.map(([name, value]) => [name.slice(USER_PREFIX.length), value]));
}

/** `X-Container-Meta-Colour: blue` and so on, from stored metadata. */
export function userMetadataHeaders(level: 'account' | 'container', metadata: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (name.startsWith(USER_PREFIX)) headers[titleCase(`x-${level}-meta-${name.slice(USER_PREFIX.length)}`)] = value;
  }
  return headers;
}
