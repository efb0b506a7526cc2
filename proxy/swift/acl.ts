/**
 * Container ACLs (Swift's "Container ACLs" reference): comma-separated elements. `account:user`, `account` and group names
 * grant to principals; `.r:*`, `.r:host`, `.r:.domain` and `.r:-host` to anonymous readers by referrer, later ones win;
 * `.rlistings` lets those readers list. Write ACLs know no referrers.
 */
import { percentDecode } from '#common/http';
import { HTML, Refusal } from './refusal.ts';

export interface Acl {
  readonly groups: readonly string[];
  readonly referrers: readonly string[];
  readonly listings: boolean;
}

const REFERRER_WORDS = ['.r', '.ref', '.referer', '.referrer'];

/** The ACL in its canonical text; throws a 400 for what it cannot be. */
export function cleanAcl(header: 'X-Container-Read' | 'X-Container-Write', text: string): string {
  const clean: string[] = [];
  for (const raw of text.split(',')) {
    const element = raw.trim();
    if (element === '') continue;
    const colon = element.indexOf(':');
    const word = (colon < 0 ? element : element.slice(0, colon)).trim();
    clean.push(colon < 0 || !word.startsWith('.') ? element : cleanReferrer(header, element, word, element.slice(colon + 1).trim()));
  }
  return clean.join(',');
}

function cleanReferrer(header: string, element: string, word: string, value: string): string {
  const fail = (reason: string): never => {
    throw new Refusal(400, reason, { 'Content-Type': HTML });
  };
  if (!REFERRER_WORDS.includes(word)) return fail(`Unknown designator '${word}' in ACL: '${element}'`);
  if (header === 'X-Container-Write') return fail(`Referrers not allowed in write ACL: '${element}'`);
  const negated = value.startsWith('-');
  let host = (negated ? value.slice(1) : value).trim();
  if (host !== '*' && host.startsWith('*')) host = host.slice(1).trim();
  if (host === '' || host === '.') return fail(`No host/domain value after referrer designation in ACL: '${element}'`);
  return `.r:${negated ? '-' : ''}${host}`;
}

const parsed = new Map<string, Acl>();
const MAX_PARSED = 1000;

/** The meaning of a canonical ACL text. */
export function parseAcl(text: string | undefined): Acl {
  const key = text ?? '';
  let acl = parsed.get(key);
  if (acl === undefined) {
    const elements = key.split(',').filter((element) => element !== '');
    acl = {
      groups: elements.filter((element) => !element.startsWith('.r:') && element !== '.rlistings').map((element) => percentDecode(element) ?? element),
      referrers: elements.filter((element) => element.startsWith('.r:')).map((element) => element.slice(3)),
      listings: elements.includes('.rlistings'),
    };
    if (parsed.size >= MAX_PARSED) parsed.clear();
    parsed.set(key, acl);
  }
  return acl;
}

/** Whether a Referer header (or none) is allowed; the last element that speaks of its host decides. */
export function referrerAllowed(referer: string | undefined, acl: Acl): boolean {
  if (acl.referrers.length === 0) return false;
  const host = hostOf(referer);
  let allowed = false;
  for (const element of acl.referrers) {
    const negated = element.startsWith('-');
    const pattern = negated ? element.slice(1) : element;
    if ((pattern === '*' && !negated) || pattern === host || (pattern.startsWith('.') && host.endsWith(pattern))) allowed = !negated;
  }
  return allowed;
}

function hostOf(referer: string | undefined): string {
  const authority = referer === undefined ? null : /^(?:[a-z][a-z0-9+.-]*:)?\/\/(?:[^@/?#]*@)?(\[[^\]]*\]|[^:/?#]*)/i.exec(referer);
  return authority?.[1]?.toLowerCase() || 'unknown';
}
