/** Which hosts are websites: `bucket.domain` for each of the website domains, and hosts that are themselves named as their bucket. */
import type { Exchange } from '#proxy/edge';
import type { S3Settings } from '../request.ts';

export type WebsiteHosts = S3Settings['website'];

/** The bucket whose website the request is for; undefined for the API, '' for a domain without a bucket before it. */
export function websiteBucket(exchange: Exchange, { domains, hosts }: WebsiteHosts): string | undefined {
  if (domains.length === 0 && hosts.length === 0) return undefined;
  const host = exchange.header('host')?.toLowerCase().replace(/:\d*$/, '');
  if (host === undefined) return undefined;
  if (hosts.includes(host)) return host;
  const domain = domains.find((each) => host === each || host.endsWith(`.${each}`));
  return domain === undefined ? undefined : host.slice(0, Math.max(0, host.length - domain.length - 1));
}
