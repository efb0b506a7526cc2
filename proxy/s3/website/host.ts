/** Which hosts are websites: `bucket.domain` for each of the website domains, and hosts that are themselves named as their bucket. */
import type { Exchange } from '#proxy/edge';
import { bucketOfHost, hostOf } from '../addressing.ts';
import type { S3Settings } from '../request.ts';

export type WebsiteHosts = S3Settings['website'];

/** The bucket whose website the request is for; undefined for the API, '' for a domain without a bucket before it. */
export function websiteBucket(exchange: Exchange, { domains, hosts }: WebsiteHosts): string | undefined {
  if (domains.length === 0 && hosts.length === 0) return undefined;
  const host = hostOf(exchange);
  return host !== undefined && hosts.includes(host) ? host : bucketOfHost(exchange, domains);
}
