/**
 * Temporary URLs (Swift's "Temporary URL" middleware): who has one may do what its signature says, with one object or with all whose names
 * begin with a prefix, until it is over. The key that signed says how far the right reaches: an account's key through the account, a
 * container's through the container, also for what a manifest there is made of.
 */
import { percentEncodePath } from '#common/http';
import type { Exchange, Response } from '#proxy/edge';
import { unauthorized, type Grant } from '../authorize.ts';
import { HTML, Refusal } from '../refusal.ts';
import type { SwiftRequest } from '../request.ts';
import type { SwiftSettings } from '../settings.ts';
import { withDisposition } from './disposition.ts';
import { headerRule } from './header-rules.ts';
import { isInRange } from './ip-range.ts';
import { tempUrlOf, type TempUrl } from './parameters.ts';
import { isSignedWith, keysOf, parseSignature } from './signature.ts';

export interface Opened {
  /** The request with the right of its URL, and without what it may not bring along. */
  readonly request: SwiftRequest;
  readonly url: TempUrl;
  /** The parameters that open what is below the prefix, as a link has them; undefined where the URL has no prefix. */
  readonly forLinks: string | undefined;
}

/** Undefined where the request has no temporary URL; throws 401 where it has one that does not open this. */
export async function openTempUrl(request: SwiftRequest): Promise<Opened | undefined> {
  const { exchange, query, store, settings } = request;
  if (exchange.method === 'OPTIONS') return undefined;
  const url = tempUrlOf(query, store.cluster.clock.nowMs());
  if (url === undefined) return undefined;
  const grant = url === 'invalid' ? undefined : await grantOf(request, url);
  if (url === 'invalid' || grant === undefined) {
    throw new Refusal(401, '401 Unauthorized: Temp URL invalid\n', { ...unauthorized(request.account).headers, 'Content-Type': HTML });
  }
  refusePointers(exchange);
  // Only what was signed counts: other parameters could make another operation of this one.
  const signed = new Map([...query].filter(([name]) => name.startsWith('temp_url_') || name === 'filename'));
  return { request: { ...request, exchange: exchange.derived({ headers: incoming(exchange, settings.tempurl) }), query: signed, grant }, url, forLinks: url.prefix === undefined ? undefined : linkParameters(query) };
}

/** The answer as whoever has the URL may see it. */
export function shownByTempUrl({ request, url }: Opened, response: Response): Response {
  const { method } = request.exchange;
  const { outgoingRemoveHeaders, outgoingAllowHeaders } = request.settings.tempurl;
  const passes = headerRule(outgoingRemoveHeaders, outgoingAllowHeaders);
  const headers = Object.fromEntries(Object.entries(response.headers).filter(([name]) => passes(name.toLowerCase())));
  // A listing is looked at, not saved: what objects have, it has not.
  const saved = response.status >= 200 && response.status < 300 && (method === 'GET' || method === 'HEAD') && response.headers['X-Timestamp'] !== undefined;
  return { ...response, headers: saved && request.object !== undefined ? withDisposition(headers, url, request.object) : headers };
}

/** What the URL's signature opens of the request's target, if anything. */
async function grantOf(request: SwiftRequest, url: TempUrl): Promise<Grant | undefined> {
  const { exchange, account, container, object, settings } = request;
  const signature = parseSignature(url.signature, settings.tempurl.allowedDigests);
  if (signature === undefined || container === undefined) return undefined;
  // A container is opened only to be shown as a web site.
  const web = url.prefix !== undefined && settings.staticweb.enabled && (exchange.method === 'GET' || exchange.method === 'HEAD');
  if (/^\/*$/.test(object ?? '') && !(web && object === undefined)) return undefined;
  if (!settings.tempurl.methods.includes(exchange.method) || !exchange.path.startsWith('/v1/')) return undefined;
  if (url.ipRange !== undefined && !isInRange(exchange.remoteAddress, url.ipRange)) return undefined;
  if (url.prefix !== undefined && !(object ?? '').startsWith(url.prefix)) return undefined;
  const path = url.prefix === undefined ? `/v1/${account}/${container}/${object}` : `prefix:/v1/${account}/${container}/${url.prefix}`;
  // Whoever may get or write an object may look whether it is there.
  const methods = exchange.method === 'HEAD' ? ['HEAD', 'GET', 'POST', 'PUT', 'DELETE'] : [exchange.method];
  const messages = methods.map((method) => `${url.ipRange === undefined ? '' : `ip=${url.ipRange}\n`}${method}\n${url.expires}\n${path}`);
  const keys = await keysOf(request);
  return keys.find(({ key }) => messages.some((message) => isSignedWith(key, signature, message)))?.grant;
}

function linkParameters(query: ReadonlyMap<string, string>): string {
  const names = ['temp_url_prefix', 'temp_url_expires', 'temp_url_sig', 'temp_url_ip_range'];
  const pairs = names.flatMap((name) => (query.has(name) ? [`${name}=${percentEncodePath(query.get(name)!)}`] : []));
  return [...pairs, ...(query.has('inline') ? ['inline'] : [])].join('&');
}

const POINTERS = ['X-Object-Manifest', 'X-Symlink-Target', 'X-Copy-From'];

/** An upload that points elsewhere would open, to a later GET with the owner's right, what its sender may not read. */
function refusePointers(exchange: Exchange): void {
  if (exchange.method === 'GET' || exchange.method === 'HEAD') return;
  const pointer = POINTERS.find((name) => exchange.headers[name.toLowerCase()] !== undefined);
  if (pointer !== undefined) throw new Refusal(400, `The header '${pointer}' is not allowed in this tempurl`, { 'Content-Type': HTML });
}

function incoming(exchange: Exchange, { incomingRemoveHeaders, incomingAllowHeaders }: SwiftSettings['tempurl']): Exchange['headers'] {
  const passes = headerRule(incomingRemoveHeaders, incomingAllowHeaders);
  return Object.fromEntries(Object.entries(exchange.headers).filter(([name]) => passes(name)));
}
