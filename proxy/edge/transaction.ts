/** Transaction ids as Swift makes them: `tx` + 21 hex digits + `-` + the time in ten hex digits + what the client added. */
import { randomBytes } from 'node:crypto';

const MAX_EXTRA = 32;
const DIGITS = 21;
/** Hex digits to take ids from: one call for hundreds of them. */
let pool = '';
let used = 0;

/** A new id; `extra` is the client's X-Trans-Id-Extra, cut to 32 characters and made safe for a header. */
export function newTransactionId(nowMs: number, extra?: string): string {
  if (used + DIGITS > pool.length) {
    pool = randomBytes(4096).toString('hex');
    used = 0;
  }
  const random = pool.slice(used, used + DIGITS);
  used += DIGITS;
  const time = Math.floor(nowMs / 1000).toString(16).padStart(10, '0');
  const suffix = extra === undefined ? '' : `-${encodeURIComponent(Buffer.from(extra, 'latin1').toString('utf8').slice(0, MAX_EXTRA).toWellFormed()).slice(0, MAX_EXTRA)}`;
  return `tx${random}-${time}${suffix}`;
}
