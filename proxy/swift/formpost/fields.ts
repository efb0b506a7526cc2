/** The fields of a form that come before its files, and what they must say for a file to be taken. */
import { Refusal } from '../refusal.ts';
import { isSignedWith, parseSignature, type Digest, type Key } from '../tempurl/signature.ts';
import type { Grant } from '../authorize.ts';

export type Fields = ReadonlyMap<string, string>;

/** `FormPost: ...`, as plain text. */
export function invalid(reason: string): Refusal {
  return new Refusal(400, `FormPost: ${reason}`, { 'Content-Type': 'text/plain' });
}

/** An integer field, 0 where it is absent or empty. */
export function integerField(fields: Fields, name: string, fault = `${name} not an integer`): number {
  const text = fields.get(name)?.trim() ?? '';
  if (text === '') return 0;
  if (!/^[+-]?\d{1,15}$/.test(text)) throw invalid(fault);
  return Number(text);
}

export type Verdict = { readonly grant: Grant } | { readonly refused: 'Invalid Signature' | 'Form Expired' };

/** Whether a key signed for forms like this one at this path. */
export function judge(fields: Fields, { path, keys, allowed, nowMs }: { path: string; keys: readonly Key[]; allowed: readonly Digest[]; nowMs: number }): Verdict {
  if (keys.length === 0) return { refused: 'Invalid Signature' };
  if (integerField(fields, 'expires', 'expired not an integer') * 1000 < nowMs) return { refused: 'Form Expired' };
  const signature = parseSignature(fields.get('signature') ?? '', allowed);
  const message = [path, fields.get('redirect') ?? '', ...['max_file_size', 'max_file_count', 'expires'].map((name) => fields.get(name) || '0')].join('\n');
  const key = signature === undefined ? undefined : keys.find((one) => isSignedWith(one.key, signature, message));
  return key === undefined ? { refused: 'Invalid Signature' } : { grant: key.grant };
}
