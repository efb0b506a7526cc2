/**
 * Hosts that name an account, or a container of one (Swift's "domain_remap"): `photos.auth-test.example.com/cat.jpg` is
 * `/v1/AUTH_test/photos/cat.jpg`. A `-` stands for the `_` that no host name has.
 */
import type { Config } from '#common';
import { percentDecode, percentEncodePath } from '#common/http';
import type { Exchange, Step } from '#proxy/edge';
import { Refusal } from '../refusal.ts';
import { refuse } from './refuse.ts';

export type DomainRemapSettings = Config['swift']['domainRemap'];

/** Gives requests to hosts under a storage domain the path that they mean. */
export function domainRemap(settings: DomainRemapSettings): Step {
  const remapped = remapper(settings);
  return (ctx, next) => {
    const exchange = ctx.state.exchange as Exchange;
    let path: string | undefined;
    try {
      path = remapped(exchange.header('host') ?? '', exchange.path);
    } catch (error) {
      return refuse(ctx, error);
    }
    if (path === undefined) return next();
    ctx.state.exchange = exchange.derived({ path, relocate: relocation(exchange, path) });
    return next();
  };
}

/** Tells the path behind a host; undefined for a host of another domain or of a reseller that we do not know. */
export function remapper(settings: DomainRemapSettings): (host: string, path: string) => string | undefined {
  const domains = withDots(settings.storageDomains);
  return (host, path) => {
    const colon = host.lastIndexOf(':');
    const name = colon >= 0 && PORT.test(host.slice(colon)) ? host.slice(0, colon) : host;
    // Every request comes by here, and most hosts are no domain's: these cost no more than this.
    const domain = domains.find((known) => name.endsWith(known));
    return domain === undefined ? undefined : pathOf(name.slice(0, -domain.length), path, settings);
  };
}

const PORT = /^:\d*$/;

function pathOf(prefix: string, path: string, settings: DomainRemapSettings): string | undefined {
  // Header values are bytes, one a character; a container's name is UTF-8.
  const name = Buffer.from(prefix, 'latin1').toString('utf8');
  const parts = name.replace(/^\.+|\.+$/g, '').split('.');
  if (parts.length > 2) throw new Refusal(400, 'Bad domain in host header', { 'Content-Type': 'text/plain' });
  const account = accountOf(parts.at(-1)!, settings);
  if (account === undefined) return undefined;
  const container = parts.length === 2 ? [percentEncodePath(parts[0]!)] : [];
  const root = settings.pathRoot.replace(/^\/+|\/+$/g, '');
  const mangled = settings.mangleClientPaths && `${path}/`.startsWith(`/${root}/`) ? path.slice(root.length + 1) : path;
  return `/${[root, percentEncodePath(account), ...container].join('/')}/${mangled.replace(/^\//, '')}`;
}

function accountOf(word: string, { resellerPrefixes, defaultResellerPrefix }: DomainRemapSettings): string | undefined {
  if (resellerPrefixes.length === 0) return word;
  const account = word.includes('_') ? word : word.replace('-', '_');
  const prefix = account.split('_', 1)[0]!.toLowerCase();
  const known = resellerPrefixes.find((one) => one.toLowerCase() === prefix);
  // Host names know no case: the prefix is written as the cluster does.
  if (known !== undefined) return known + account.slice(known.length);
  return defaultResellerPrefix === undefined ? undefined : `${defaultResellerPrefix}_${account}`;
}

/** `example.com` and `.example.com` alike: those with a dot of their own come last, as Swift asks them. */
export function withDots(domains: readonly string[]): string[] {
  return [...domains.filter((domain) => !domain.startsWith('.')).map((domain) => `.${domain}`), ...domains.filter((domain) => domain.startsWith('.'))];
}

/** Addresses of ours as the client of this host knows them. */
function relocation(exchange: Exchange, path: string): (location: string) => string {
  const encoded = (raw: string): string => percentEncodePath(percentDecode(raw) ?? raw);
  const [inner, outer] = [encoded(path), encoded(exchange.path)];
  return (location) => {
    const match = /^(https?:\/\/[^/]+)(\/.*)$/s.exec(location);
    return match !== null && match[2]!.startsWith(inner) ? match[1]! + outer + match[2]!.slice(inner.length) : location;
  };
}
