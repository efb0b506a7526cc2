/** Times as S3 prints them: whole seconds. */
import { TICKS_PER_SECOND, type Timestamp } from '#common';
import { formatHttpDate } from '#common/http';

/** `2026-01-31T12:00:00.000Z`. */
export function formatIso(timestamp: Timestamp): string {
  return `${new Date(Math.floor(timestamp / TICKS_PER_SECOND) * 1000).toISOString().slice(0, 19)}.000Z`;
}

/** `Sat, 31 Jan 2026 12:00:00 GMT`. */
export function formatModified(timestamp: Timestamp): string {
  return formatHttpDate(Math.floor(timestamp / TICKS_PER_SECOND));
}
