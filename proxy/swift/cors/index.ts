/**
 * Cross-origin requests (W3C "Cross-Origin Resource Sharing", as Swift has it): scripts of the origins that a container's metadata or the
 * operator names may use it. A browser asks first with OPTIONS; to the answer itself is added what its scripts may read of it.
 */
import { isStoreError } from '#common';
import { USER_PREFIX } from '#proxy/core';
import type { Response } from '#proxy/edge';
import type { SwiftRequest } from '../request.ts';
import type { SwiftSettings } from '../settings.ts';
import { unauthorized } from '../authorize.ts';

const ALWAYS_EXPOSED = [
  'cache-control', 'content-language', 'content-type', 'expires', 'last-modified', 'pragma', 'etag', 'x-timestamp', 'x-trans-id', 'x-openstack-request-id',
];

interface Sharing {
  readonly allowOrigin: string | undefined;
  readonly maxAge: string | undefined;
  readonly exposeHeaders: string | undefined;
}

/** The answer to an OPTIONS: what is allowed here, and to the scripts of an origin, whether they may ask it. 401 where they may not. */
export async function answerOptions(request: SwiftRequest, methods: readonly string[]): Promise<Response> {
  const { exchange, container, account, settings } = request;
  const allow = [...methods, 'OPTIONS'].sort().join(', ');
  const origin = exchange.header('origin');
  if (origin === undefined || container === undefined) return { status: 200, headers: { Allow: allow } };
  const sharing = await sharingOf(request);
  const wanted = exchange.header('access-control-request-method');
  if (!isAllowed(origin, sharing, settings.cors) || wanted === undefined || ![...methods, 'OPTIONS'].includes(wanted)) {
    const refusal = unauthorized(account);
    return { status: 401, headers: { ...refusal.headers, Allow: allow }, body: refusal.body };
  }
  const asked = exchange.header('access-control-request-headers')?.split(',').map((name) => name.trim()).filter((name) => name !== '') ?? [];
  const any = sharing.allowOrigin?.trim() === '*';
  const vary = [...(any ? [] : ['Origin']), ...(asked.length === 0 ? [] : ['Access-Control-Request-Headers'])];
  return {
    status: 200,
    headers: {
      Allow: allow,
      'Access-Control-Allow-Origin': any ? '*' : origin,
      ...(sharing.maxAge === undefined ? {} : { 'Access-Control-Max-Age': sharing.maxAge }),
      'Access-Control-Allow-Methods': allow,
      ...(asked.length === 0 ? {} : { 'Access-Control-Allow-Headers': [...new Set(asked)].join(', ') }),
      ...(vary.length === 0 ? {} : { Vary: vary.join(', ') }),
    },
  };
}

/** The answer with what it lets scripts of the request's origin read; as it is where they may not. */
export async function withCors(request: SwiftRequest, origin: string, response: Response): Promise<Response> {
  const { settings } = request;
  const sharing = await sharingOf(request);
  if (settings.cors.strict && !isAllowed(origin, sharing, settings.cors)) return response;
  const { headers } = response;
  const any = sharing.allowOrigin?.trim() === '*';
  const vary = headers['Vary'] === undefined ? 'Origin' : `${headers['Vary']}, Origin`;
  return {
    ...response,
    headers: {
      ...headers,
      'Access-Control-Expose-Headers': exposedHeaders(headers, sharing, settings.cors).join(', '),
      'Access-Control-Allow-Origin': any ? '*' : origin,
      ...(any ? {} : { Vary: vary }),
    },
  };
}

function exposedHeaders(headers: Response['headers'], { exposeHeaders }: Sharing, settings: SwiftSettings['cors']): string[] {
  const shown = Object.keys(headers).map((name) => name.toLowerCase()).filter((name) => name.startsWith('x-container-meta') || name.startsWith('x-object-meta'));
  return [...new Set([...ALWAYS_EXPOSED, ...settings.exposeHeaders, ...shown, ...words(exposeHeaders).map((name) => name.toLowerCase())])];
}

function isAllowed(origin: string, { allowOrigin }: Sharing, settings: SwiftSettings['cors']): boolean {
  const allowed = [...words(allowOrigin), ...settings.allowOrigins];
  return allowed.includes('*') || allowed.includes(origin);
}

function words(text: string | undefined): string[] {
  return text?.split(/\s+/).filter((word) => word !== '') ?? [];
}

/** What the container's owner decided; nothing where there is no such container. */
async function sharingOf({ store, account, container }: SwiftRequest): Promise<Sharing> {
  try {
    const { metadata } = await store.containers.summary({ account, container: container! });
    const value = (name: string): string | undefined => metadata[`${USER_PREFIX}access-control-${name}`];
    return { allowOrigin: value('allow-origin'), maxAge: value('max-age'), exposeHeaders: value('expose-headers') };
  } catch (error) {
    if (!isStoreError(error, 'container-not-found')) throw error;
    return { allowOrigin: undefined, maxAge: undefined, exposeHeaders: undefined };
  }
}
