/** Where the rules of a website lead a request: pure, from the key and the status of the answer to a Location. */
import { percentEncodePath } from '#common/http';
import type { Protocol, RoutingRule, WebsiteConfiguration } from './configuration.ts';

export interface Asked {
  readonly host: string;
  readonly protocol: Protocol;
  readonly key: string;
}

export interface Redirection {
  readonly status: number;
  readonly location: string;
}

const MOVED = 301;

/** Where the first rule leads that fits; `status` is the answer's where there is one, and then only rules that ask for it fit. */
export function redirectionBy(website: WebsiteConfiguration, asked: Asked, status?: number): Redirection | undefined {
  const rule = website.rules.find(({ prefix, errorStatus }) => errorStatus === status && asked.key.startsWith(prefix ?? ''));
  return rule === undefined ? undefined : follow(rule, asked);
}

/** Where a website leads of which nothing is here. */
export function redirectionOfAll({ host, protocol }: NonNullable<WebsiteConfiguration['redirectAll']>, asked: Asked): Redirection {
  return { status: MOVED, location: `${protocol ?? asked.protocol}://${host}/${percentEncodePath(asked.key)}` };
}

function follow({ prefix = '', redirect }: RoutingRule, asked: Asked): Redirection {
  const key = redirect.key ?? (redirect.keyPrefix === undefined ? asked.key : redirect.keyPrefix + asked.key.slice(prefix.length));
  return { status: redirect.status ?? MOVED, location: `${redirect.protocol ?? asked.protocol}://${redirect.host ?? asked.host}/${percentEncodePath(key)}` };
}
