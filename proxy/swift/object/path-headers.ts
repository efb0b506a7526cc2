/** Headers that name another object: its container and name, and its account. */
import { percentDecode } from '#common/http';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';

export function parsePathHeader(header: 'Destination' | 'X-Copy-From', value: string): { container: string; object: string } {
  const path = percentDecode(value);
  const match = path === undefined || path.includes('\0') ? null : /^\/?([^/]+)\/(.+)$/s.exec(path);
  if (match === null) throw new Refusal(412, `${header} header must be of the form <container name>/<object name>`);
  return { container: match[1]!, object: match[2]! };
}

/** The account that a header names, or the request's. */
export function accountHeader(request: ObjectRequest, header: 'destination-account' | 'x-copy-from-account' | 'x-symlink-target-account'): string {
  const value = request.exchange.header(header);
  if (value === undefined) return request.account;
  const account = percentDecode(value);
  if (account === undefined || account === '' || /[/\0]/.test(account)) throw new Refusal(412, 'Account name cannot contain slashes');
  return account;
}
