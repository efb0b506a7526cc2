/** When rules end what: days are counted from the midnight after ("Setting lifecycle configuration" of the user guide). */
import type { Bucket } from '../bucket/bucket.ts';
import type { Tags } from '../object/tags.ts';
import type { LifecycleRule } from './rules.ts';

export const DAY_MS = 86_400_000;

export function lifecycleOf(bucket: Bucket): readonly LifecycleRule[] {
  return bucket.parsed('lifecycle', (text) => JSON.parse(text) as LifecycleRule[]) ?? [];
}

export interface Candidate {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Whether a rule is for the object, but for its tags. */
export function isFor(rule: LifecycleRule, { key, bytes }: Candidate): boolean {
  return rule.enabled && key.startsWith(rule.prefix) && (rule.sizeGreater === undefined || bytes > rule.sizeGreater) && (rule.sizeLess === undefined || bytes < rule.sizeLess);
}

export function hasTags(rule: LifecycleRule, tags: Tags): boolean {
  return rule.tags.every(([key, value]) => tags.get(key) === value);
}

/** `dayMs` is a day but in tests: only real days end at midnight. */
export function afterDays(fromMs: number, days: number, dayMs: number): number {
  const exact = fromMs + days * dayMs;
  return dayMs === DAY_MS ? Math.ceil(exact / DAY_MS) * DAY_MS : exact;
}

/** When the rule ends the object as it is; undefined where it does not. */
export function expiresAt({ expiration }: LifecycleRule, modifiedMs: number, dayMs = DAY_MS): number | undefined {
  if (expiration?.days !== undefined) return afterDays(modifiedMs, expiration.days, dayMs);
  return expiration?.dateMs;
}
