/**
 * Domains of clients' own (Swift's "cname_lookup"): a host that is not ours is looked up, and where it is a CNAME of a name in the
 * storage domain, the request is taken for that name. The answer is kept for as long as the name server says.
 */
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock, Config } from '#common';
import type { Exchange, Step } from '#proxy/edge';
import { LRUCache } from 'lru-cache';
import { Refusal } from '../refusal.ts';
import { withDots } from './remap.ts';
import { refuse } from './refuse.ts';

export type CnameSettings = Config['swift']['cnameLookup'];

/** The name that a name is an alias of; undefined where it is none. Rejects where nobody could say. */
export type CnameResolver = (name: string) => Promise<string | undefined>;

/** Node's resolver tells no time to live of a CNAME: an answer is kept as long as Swift keeps that there is none. */
const KEPT_MS = 60_000;
const KEPT_NAMES = 10_000;

export function systemCnameResolver(nameservers: readonly string[]): CnameResolver {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  if (nameservers.length > 0) resolver.setServers([...nameservers]);
  return async (name) => {
    try {
      return (await resolver.resolveCname(name))[0]?.replace(/\.$/, '');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENODATA' || code === 'ENOTFOUND') return undefined;
      throw error;
    }
  };
}

export function cnameLookup(settings: CnameSettings, resolve: CnameResolver, clock: Clock): Step {
  const domains = withDots(settings.storageDomains);
  const isOurs = (name: string): boolean => domains.some((domain) => `.${name}`.endsWith(domain));
  const kept = new LRUCache<string, { target: string | undefined; untilMs: number }>({ max: KEPT_NAMES });
  const aliasOf = async (name: string): Promise<string | undefined> => {
    const held = kept.get(name);
    if (held !== undefined && held.untilMs > clock.nowMs()) return held.target;
    try {
      const target = await resolve(name);
      kept.set(name, { target, untilMs: clock.nowMs() + KEPT_MS });
      return target;
    } catch {
      // A name server that does not answer is asked again by the next request.
      return undefined;
    }
  };
  return async (ctx, next) => {
    const exchange = ctx.state.exchange as Exchange;
    const host = exchange.header('host') ?? '';
    const name = host.replace(/:\d*$/, '');
    if (name === '' || isIP(name.replace(/^\[|\]$/g, '')) !== 0 || isOurs(name)) return next();
    const found = await follow(name, { aliasOf, isOurs, depth: settings.lookupDepth });
    if (found.ours === undefined) return refuse(ctx, new Refusal(400, found.fault, { 'Content-Type': 'text/plain' }));
    const target = `${found.ours}${host.slice(name.length)}`;
    const relocate = (location: string): string => location.replace(new RegExp(`^(https?://)${RegExp.escape(target)}(?=/|$)`), (_, scheme: string) => scheme + host);
    ctx.state.exchange = exchange.derived({ headers: { ...exchange.headers, host: target }, relocate });
    return next();
  };
}

/** Walks from alias to alias until one is ours. */
async function follow(
  name: string,
  { aliasOf, isOurs, depth }: { aliasOf: CnameResolver; isOurs: (name: string) => boolean; depth: number },
): Promise<{ ours: string } | { ours: undefined; fault: string }> {
  let current = name;
  for (let tries = 0; tries < depth; tries++) {
    const target = await aliasOf(current);
    if (target === undefined || target === current) return { ours: undefined, fault: 'CNAME lookup failed to resolve to a valid domain' };
    if (isOurs(target)) return { ours: target };
    current = target;
  }
  return { ours: undefined, fault: `CNAME lookup failed after ${depth} tries` };
}
