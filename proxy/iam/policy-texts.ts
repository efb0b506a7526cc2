/** Texts of policies as the API takes and shows them. */
import { isStoreError } from '#common';
import { IamFault } from './faults.ts';
import { parsePolicy } from './policy/document.ts';

/** The text, which has to be a policy for that use. What is not written, white space, does not count for its size. */
export function checkPolicy(text: string, use: 'identity' | 'trust', maxCharacters: number): string {
  try {
    parsePolicy(text, use);
  } catch (error) {
    if (isStoreError(error, 'bad-request')) throw new IamFault('MalformedPolicyDocument', error.message);
    throw error;
  }
  if (text.replace(/\s/g, '').length > maxCharacters) throw new IamFault('LimitExceeded', `Cannot exceed quota for PolicySize: ${maxCharacters}`);
  return text;
}

/** As answers carry it: percent-encoded (RFC 3986). */
export function encodedPolicy(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
