/** What /info says of the features that an operator can turn on and off: a section of each that is on. */
import { SyncRealms } from './container-sync/realms.ts';
import type { Info } from './info.ts';
import { ratesOf } from './rate-limit/rates.ts';
import type { SwiftSettings } from './settings.ts';

export function optionalSections(settings: SwiftSettings): Info {
  const sections: [on: boolean, name: string, section: object][] = [
    [settings.etagQuoting.enabled, 'etag_quoter', { enable_by_default: settings.etagQuoting.byDefault }],
    [settings.tempurl.enabled, 'tempurl', tempurlSection(settings.tempurl)],
    [settings.formpost.enabled, 'formpost', digestSection(settings.formpost.allowedDigests)],
    [settings.staticweb.enabled, 'staticweb', {}],
    [settings.domainRemap.storageDomains.length > 0, 'domain_remap', { default_reseller_prefix: settings.domainRemap.defaultResellerPrefix ?? null }],
    [settings.cnameLookup.storageDomains.length > 0, 'cname_lookup', { lookup_depth: settings.cnameLookup.lookupDepth }],
    [true, 'ratelimit', rateLimitSection(settings.rateLimit)],
    [settings.readOnly.enabled, 'read_only', {}],
    [settings.nameCheck.enabled, 'name_check', { forbidden_chars: settings.nameCheck.forbiddenChars, maximum_length: settings.nameCheck.maximumLength, forbidden_regexp: settings.nameCheck.forbiddenRegexp }],
    [Object.keys(settings.containerSync.realms).length > 0, 'container_sync', new SyncRealms(settings.containerSync).describe()],
    [settings.crossdomain.enabled, 'crossdomain', {}],
  ];
  return Object.fromEntries(sections.flatMap(([on, name, section]) => (on ? [[name, section]] : [])));
}

function tempurlSection({ methods, allowedDigests, incomingRemoveHeaders, incomingAllowHeaders, outgoingRemoveHeaders, outgoingAllowHeaders }: SwiftSettings['tempurl']): object {
  return {
    methods,
    incoming_remove_headers: incomingRemoveHeaders,
    incoming_allow_headers: incomingAllowHeaders,
    outgoing_remove_headers: outgoingRemoveHeaders,
    outgoing_allow_headers: outgoingAllowHeaders,
    ...digestSection(allowedDigests),
  };
}

function digestSection(allowed: readonly string[]): object {
  return { allowed_digests: [...allowed].sort(), ...(allowed.includes('sha1') ? { deprecated_digests: ['sha1'] } : {}) };
}

function rateLimitSection({ accountPerSecond, maxSleepSeconds, containerWritesPerSecond, containerListingsPerSecond }: SwiftSettings['rateLimit']): object {
  return {
    account_ratelimit: accountPerSecond,
    max_sleep_time_seconds: maxSleepSeconds,
    container_ratelimits: ratesOf(containerWritesPerSecond),
    container_listing_ratelimits: ratesOf(containerListingsPerSecond),
  };
}
