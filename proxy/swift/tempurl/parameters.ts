/** The parameters of a temporary URL, as the query brings them. */

export interface TempUrl {
  readonly signature: string;
  /** Seconds since the epoch. */
  readonly expires: number;
  /** The URL opens everything whose name begins with it. */
  readonly prefix: string | undefined;
  readonly ipRange: string | undefined;
  readonly filename: string | undefined;
  readonly inline: boolean;
}

/** Undefined where the query speaks of none; 'invalid' where it speaks of one that is incomplete, malformed or over. */
export function tempUrlOf(query: ReadonlyMap<string, string>, nowMs: number): TempUrl | undefined | 'invalid' {
  const signature = query.get('temp_url_sig');
  const text = query.get('temp_url_expires');
  if (signature === undefined && text === undefined) return undefined;
  if (!signature || !text) return 'invalid';
  const expires = parseExpiry(text);
  if (expires === undefined || expires * 1000 < nowMs) return 'invalid';
  return { signature, expires, prefix: query.get('temp_url_prefix'), ipRange: query.get('temp_url_ip_range') || undefined, filename: query.get('filename') || undefined, inline: query.has('inline') };
}

/** Seconds, or a moment like `2026-01-31T12:00:00Z`. */
function parseExpiry(text: string): number | undefined {
  if (/^\s*[+-]?\d{1,15}\s*$/.test(text)) return Number(text);
  const match = /^(\d{4})-(\d\d?)-(\d\d?)T(\d\d?):(\d\d?):(\d\d?)Z$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, number, number, number, number, number];
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(ms);
  // What Date would carry over, like a 31st of February, is no moment.
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 62 ? ms / 1000 : undefined;
}
