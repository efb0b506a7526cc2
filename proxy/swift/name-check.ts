/** Names that an operator does not want (Swift's "name_check" middleware): characters, a length, a pattern, asked of the whole decoded path. */
import { HTML, Refusal } from './refusal.ts';
import type { SwiftSettings } from './settings.ts';

export type NameCheck = (path: string) => void;

/** Throws 400 for a path with a name that is not wanted. */
export function nameCheck({ forbiddenChars, maximumLength, forbiddenRegexp }: SwiftSettings['nameCheck']): NameCheck {
  const pattern = forbiddenRegexp === '' ? undefined : new RegExp(forbiddenRegexp, 'u');
  const refuse = (reason: string): never => {
    throw new Refusal(400, `Object/Container/Account name ${reason}`, { 'Content-Type': HTML });
  };
  return (path) => {
    if ([...forbiddenChars].some((character) => path.includes(character))) refuse(`contains forbidden chars from ${forbiddenChars}`);
    if (Buffer.byteLength(path) > maximumLength) refuse(`longer than the allowed maximum ${maximumLength}`);
    if (pattern?.test(path)) refuse(`contains a forbidden substring from regular expression ${forbiddenRegexp}`);
  };
}
