/** Which requests are S3's, and which bucket and key they name: in the path, or in the Host before one of our domains. */
import type { Exchange } from '#proxy/edge';
import { isBucketName } from './bucket/names.ts';
import { decodeName } from './request.ts';

export interface Address {
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  /** The bucket stands in the Host. */
  readonly virtual: boolean;
}

const SIGNED_QUERY = /(?:^|&)(?:X-Amz-(?:Algorithm|Credential|Signature)|AWSAccessKeyId)=/i;
/** First parts of paths that are Swift's or the cluster's own. */
const NOT_BUCKETS: ReadonlySet<string> = new Set(['v1', 'v1.0', 'v2.0', 'v3', 'auth', 'info', 'healthcheck', 'endpoints', 'recon', 'crossdomain.xml', 'admin', 'metrics', 'sts']);
const LONGEST_BUCKET_NAME = 63;

/** Whether the request speaks S3: it is signed so, its host is a bucket's, or nobody signed it and its path begins with a bucket's name. */
export function isS3Request(exchange: Exchange, domains: readonly string[]): boolean {
  const authorization = exchange.headers.authorization;
  if (authorization !== undefined && (authorization === '' || authorization.startsWith('AWS'))) return true;
  if (exchange.headers['x-auth-token'] !== undefined || exchange.headers['x-storage-token'] !== undefined) return false;
  if (exchange.rawQuery !== '' && SIGNED_QUERY.test(exchange.rawQuery)) return true;
  if (domains.length > 0 && bucketOfHost(exchange, domains) !== undefined) return true;
  const { path } = exchange;
  if (path === '/') return true;
  const end = path.indexOf('/', 1);
  const first = end < 0 ? path.slice(1) : path.slice(1, end);
  return first.length <= LONGEST_BUCKET_NAME && !NOT_BUCKETS.has(first) && isBucketName(first);
}

/** The Host without its port. */
export function hostOf(exchange: Exchange): string | undefined {
  return exchange.header('host')?.toLowerCase().replace(/:\d*$/, '');
}

/** What is before the longest of the domains in the Host; undefined where it is none of them, '' where it is exactly one. */
export function bucketOfHost(exchange: Exchange, domains: readonly string[]): string | undefined {
  const host = hostOf(exchange);
  if (host === undefined) return undefined;
  const domain = domains.filter((each) => host === each || host.endsWith(`.${each}`)).sort((a, b) => b.length - a.length)[0];
  return domain === undefined ? undefined : host.slice(0, Math.max(0, host.length - domain.length - 1));
}

export function addressOf(exchange: Exchange, domains: readonly string[]): Address {
  const virtual = domains.length === 0 ? undefined : bucketOfHost(exchange, domains);
  const path = exchange.path;
  if (virtual !== undefined && virtual !== '') return { bucket: virtual, key: path === '/' || path === '' ? undefined : decodeName(path.slice(1)), virtual: true };
  const slash = path.indexOf('/', 1);
  const bucket = decodeName(slash < 0 ? path.slice(1) : path.slice(1, slash));
  const key = slash < 0 ? '' : path.slice(slash + 1);
  return { bucket: bucket === '' ? undefined : bucket, key: key === '' ? undefined : decodeName(key), virtual: false };
}
