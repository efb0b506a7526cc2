/** Comparison of signatures: how long it takes tells nothing of where they differ. */
import { hash, timingSafeEqual } from 'node:crypto';

export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}
