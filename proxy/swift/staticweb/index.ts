/**
 * Containers as web sites (Swift's "StaticWeb" middleware), for browsers: requests without a token, or with `X-Web-Mode`. A directory
 * shows its index or its listing, a fault the site's own page. Everything is read with the right of whoever asks.
 */
import { percentEncodePath } from '#common/http';
import type { Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { CONSTRAINTS } from '../constraints.ts';
import { perform, shaped } from '../perform.ts';
import { HTML, page, Refusal } from '../refusal.ts';
import type { Opened } from '../tempurl/index.ts';
import { decodePath, isTrue, type ContainerRequest, type SwiftRequest } from '../request.ts';
import type { ListingPage } from '#storage-node/protocol';
import { listingPage, noListingPage, type Directory } from './pages.ts';
import { siteOf, type Site } from './site.ts';

/** Whether a request is one that a site answers. */
export function isWebRequest(request: SwiftRequest): request is ContainerRequest {
  const { exchange, container, principal } = request;
  if (container === undefined || (exchange.method !== 'GET' && exchange.method !== 'HEAD')) return false;
  return principal === undefined || isTrue(exchange.header('x-web-mode'));
}

/** What a temporary URL with a prefix opens of a site: also the listings below it, whose links are URLs of the same kind. */
interface ByUrl {
  readonly prefix: string;
  readonly parameters: string;
}

interface WebRequest extends ContainerRequest {
  readonly byUrl?: ByUrl;
}

export function isOpenedWeb({ request, forLinks }: Opened): boolean {
  const { exchange, container } = request;
  return forLinks !== undefined && container !== undefined && (exchange.method === 'GET' || exchange.method === 'HEAD');
}

export function answerOpenedWeb({ request, url, forLinks }: Opened): Promise<Response> {
  return answerWeb({ ...request, container: request.container!, byUrl: { prefix: url.prefix ?? '', parameters: forLinks ?? '' } });
}

export async function answerWeb(request: WebRequest): Promise<Response> {
  return request.object === undefined ? answerContainer(request) : answerObject({ ...request, object: request.object });
}

async function answerContainer(request: WebRequest): Promise<Response> {
  const { exchange } = request;
  const site = await siteOfContainer(request);
  const seen = await shaped(request, async () => {
    await authorizeListing(request, site, '');
    return OK;
  });
  if (seen.status >= 400) return faultPage(request, site, seen);
  if (site.listings === '' && site.index === '') {
    if (isTrue(exchange.header('x-web-mode'))) throw new Refusal(404);
    return perform(request);
  }
  if (!exchange.path.endsWith('/')) return redirectToDirectory(request);
  if (site.index === '') return listing(request, site, '');
  const index = await ask(request, site.index);
  if (index.status === 404) return listing(request, site, '');
  return index.status < 400 ? index : faultPage(request, site, index);
}

async function answerObject(request: WebRequest & { readonly object: string }): Promise<Response> {
  const { exchange, object } = request;
  const found = await ask(request, object);
  if (found.status >= 400 && found.status !== 404) return found;
  // Only what could be a marker of a directory is looked at again.
  if (found.status < 400 && Number(found.headers['Content-Length'] ?? 0) > 1) return found;
  const site = await siteOfContainer(request);
  if (found.status < 400 && found.headers['Content-Type'] !== site.directoryType) return found;
  if (site.listings === '' && site.index === '') return found;
  await found.release?.();
  const inDirectory = exchange.path.endsWith('/');
  if (site.index !== '') {
    const index = await ask(request, `${object}${inDirectory ? '' : '/'}${site.index}`);
    if (index.status < 400 && inDirectory) return index;
    await index.release?.();
    if (index.status < 400) return redirectToDirectory(request);
    if (index.status !== 404) return index;
  }
  if (inDirectory) return listing(request, site, object);
  const first = await listed(request, site, { prefix: `${object}/`, limit: 1 });
  return 'entries' in first && first.entries.length > 0 ? redirectToDirectory(request) : faultPage(request, site, NOT_FOUND);
}

const OK: Response = { status: 200, headers: {} };
const NOT_FOUND: Response = { status: 404, headers: { 'Content-Type': HTML }, body: page(404) };

/** The answer to a GET or HEAD of an object of the site. */
function ask(request: ContainerRequest, object: string): Promise<Response> {
  const target = { ...request, object };
  return shaped(target, () => perform(target));
}

async function siteOfContainer(request: ContainerRequest): Promise<Site> {
  const { store, account, container } = request;
  const metadata = await store.containers.summary({ account, container }).then((summary) => summary.metadata, () => ({}));
  return siteOf(metadata);
}

/** A page of the container under a prefix, or why the caller does not get it. */
async function listed(request: WebRequest, site: Site, { prefix, limit }: { prefix: string; limit: number }): Promise<ListingPage | Response> {
  const { store, account, container } = request;
  let found: ListingPage | undefined;
  const outcome = await shaped(request, async () => {
    await authorizeListing(request, site, prefix);
    found = await store.containers.list({ account, container }, { limit, marker: '', endMarker: '', prefix, delimiter: '/', reverse: false });
    return OK;
  });
  return found ?? outcome;
}

/** A URL's right is to what is below its prefix, and to listings only where the site has them. */
async function authorizeListing(request: WebRequest, site: Site, prefix: string): Promise<void> {
  const { byUrl } = request;
  if (byUrl === undefined || site.listings === '' || !prefix.startsWith(byUrl.prefix)) await authorizeContainer(request, 'container-read');
}

async function listing(request: WebRequest, site: Site, prefix: string): Promise<Response> {
  const { byUrl } = request;
  const directory: Directory = { label: labelOf(request, site), prefix, ...(byUrl && { links: byUrl }) };
  if (!isTrue(site.listings)) return faultPage(request, site, { status: 404, headers: { 'Content-Type': HTML }, body: noListingPage(site, directory) });
  const found = await listed(request, site, { prefix, limit: CONSTRAINTS.container_listing_limit });
  if (!('entries' in found)) return faultPage(request, site, found);
  if (prefix !== '' && found.entries.length === 0) return faultPage(request, site, NOT_FOUND);
  return { status: 200, headers: { 'Content-Type': HTML }, body: listingPage(site, directory, found.entries) };
}

function labelOf({ exchange }: ContainerRequest, { listingsLabel }: Site): string {
  const path = decodePath(exchange.path);
  return listingsLabel === '' ? path : `${listingsLabel}/${path.split('/').slice(4).join('/')}`;
}

/** The fault, with the site's own page for its status where there is one that the caller may read. */
async function faultPage(request: ContainerRequest, site: Site, fault: Response): Promise<Response> {
  if (site.error === '') return fault;
  const plain = { ...request, object: `${fault.status}${site.error}`, exchange: request.exchange.derived({ headers: withoutConditions(request) }) };
  const found = await shaped(plain, () => perform(plain));
  if (found.status >= 200 && found.status < 300) {
    await fault.release?.();
    return { ...found, status: fault.status };
  }
  await found.release?.();
  return fault;
}

/** Of the request's headers those that are not about the object it named. */
function withoutConditions({ exchange }: ContainerRequest): ContainerRequest['exchange']['headers'] {
  return Object.fromEntries(Object.entries(exchange.headers).filter(([name]) => name !== 'range' && !name.startsWith('if-')));
}

function redirectToDirectory({ exchange, settings, byUrl }: WebRequest): Response {
  const base = settings.staticweb.urlBase === undefined ? `${exchange.scheme}://${exchange.header('host') ?? 'localhost'}` : new URL(settings.staticweb.urlBase).origin;
  const location = `${base}${percentEncodePath(decodePath(exchange.path))}/${byUrl === undefined ? '' : `?${byUrl.parameters}`}`;
  return { status: 301, headers: { 'Content-Type': HTML, Location: location }, body: '<html><h1>Moved Permanently</h1><p>The resource has moved permanently.</p></html>' };
}
