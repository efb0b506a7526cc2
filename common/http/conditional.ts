/** Conditional requests (RFC 9110, section 13): which of them hold for a representation, and in which order they are asked. */

export interface Conditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
}

export interface Representation {
  /** Without quotes. Several where one object answers to more than one tag. */
  readonly etags: readonly string[];
  /** Whole seconds since the epoch, as Last-Modified shows it. */
  readonly modifiedSeconds: number;
}

export type Verdict = 'proceed' | 'not-modified' | 'precondition-failed';

/**
 * What a read with these conditions gets from this representation. Tags make the dates beside them moot (RFC 9110, section
 * 13.2.2), unless `datesCount`: then a date must hold whatever the tags say, as Swift has it.
 */
export function evaluateConditions(conditions: Conditions, representation: Representation, datesCount = false): Verdict {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  const { etags, modifiedSeconds } = representation;
  if (ifMatch !== undefined && !matchesEtag(ifMatch, etags)) return 'precondition-failed';
  if (ifUnmodifiedSince !== undefined && (ifMatch === undefined || datesCount)) {
    const date = parseHttpDate(ifUnmodifiedSince);
    if (date !== undefined && modifiedSeconds > date) return 'precondition-failed';
  }
  if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, etags)) return 'not-modified';
  if (ifModifiedSince !== undefined && (ifNoneMatch === undefined || datesCount)) {
    const date = parseHttpDate(ifModifiedSince);
    if (date !== undefined && modifiedSeconds <= date) return 'not-modified';
  }
  return 'proceed';
}

/** Whether a list of entity tags (`*`, quoted, weak or bare) names one of ours. */
export function matchesEtag(header: string, etags: readonly string[]): boolean {
  const named = parseEtags(header);
  return named.includes('*') || etags.some((etag) => named.includes(etag));
}

function parseEtags(header: string): string[] {
  return header
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .map((tag) => (tag.length >= 2 && tag.startsWith('"') && tag.endsWith('"') ? tag.slice(1, -1) : tag))
    .filter((tag) => tag !== '');
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Seconds since the epoch of an HTTP date in any of its three forms (IMF-fixdate, RFC 850, asctime), or undefined. */
export function parseHttpDate(text: string): number | undefined {
  const fixdate = /^\s*\w{3},\s+(\d{1,2})\s+(\w{3})\s+(\d{4})\s+(\d\d):(\d\d):(\d\d)\s+(?:GMT|UTC|[+-]0000)\s*$/i.exec(text);
  if (fixdate) return utcSeconds(fixdate[3]!, fixdate[2]!, fixdate[1]!, fixdate.slice(4, 7));
  const rfc850 = /^\s*\w{6,9},\s+(\d{1,2})-(\w{3})-(\d{2})\s+(\d\d):(\d\d):(\d\d)\s+GMT\s*$/i.exec(text);
  if (rfc850) {
    const year = Number(rfc850[3]);
    return utcSeconds(String(year < 70 ? 2000 + year : 1900 + year), rfc850[2]!, rfc850[1]!, rfc850.slice(4, 7));
  }
  const asctime = /^\s*\w{3}\s+(\w{3})\s+(\d{1,2})\s+(\d\d):(\d\d):(\d\d)\s+(\d{4})\s*$/i.exec(text);
  if (asctime) return utcSeconds(asctime[6]!, asctime[1]!, asctime[2]!, asctime.slice(3, 6));
  return undefined;
}

function utcSeconds(year: string, month: string, day: string, time: readonly string[]): number | undefined {
  const monthIndex = MONTHS.indexOf(month.toLowerCase());
  if (monthIndex < 0) return undefined;
  const ms = Date.UTC(Number(year), monthIndex, Number(day), Number(time[0]), Number(time[1]), Number(time[2]));
  return Number.isNaN(ms) ? undefined : ms / 1000;
}

let lastSeconds = -1;
let lastText = '';

/** `Sun, 06 Nov 1994 08:49:37 GMT`; the text of the last second asked for is kept, since most are asked for many times. */
export function formatHttpDate(seconds: number): string {
  if (seconds !== lastSeconds) {
    lastSeconds = seconds;
    lastText = new Date(seconds * 1000).toUTCString();
  }
  return lastText;
}
