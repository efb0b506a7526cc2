/** The section `swift` of the configuration: what of Swift's optional features is on, and its limits. Defaults are Swift's own. */
import { z } from 'zod';

const word = z.string().min(1);
const digests = z.array(z.enum(['sha1', 'sha256', 'sha512'])).min(1).default(['sha1', 'sha256', 'sha512']);
const headers = (...names: string[]) => z.array(word.toLowerCase()).default(names);
/** Requests a second by the number of objects in the container: between two sizes the rate goes in a straight line. */
const ratesBySize = z.record(z.string().regex(/^\d+$/, 'not a number of objects'), z.number().positive()).default({});

const tempurl = z
  .strictObject({
    enabled: z.boolean().default(true),
    methods: z.array(word).default(['GET', 'HEAD', 'PUT', 'POST', 'DELETE']),
    allowedDigests: digests,
    /** Names, or prefixes that end with `*`; those allowed are exceptions from those removed. */
    incomingRemoveHeaders: headers('x-timestamp'),
    incomingAllowHeaders: headers(),
    outgoingRemoveHeaders: headers('x-object-meta-*'),
    outgoingAllowHeaders: headers('x-object-meta-public-*'),
  })
  .prefault({});

const rateLimit = z
  .strictObject({
    /** Of each account: containers created and deleted a second; 0 for as many as come. */
    accountPerSecond: z.number().min(0).default(0),
    containerWritesPerSecond: ratesBySize,
    containerListingsPerSecond: ratesBySize,
    /** A request that would have to wait longer is refused with 498. */
    maxSleepSeconds: z.number().min(0).default(60),
    /** How long an idle moment may be made up for by a burst. */
    bufferSeconds: z.number().min(0).default(5),
    allowedAccounts: z.array(word).default([]),
    blockedAccounts: z.array(word).default([]),
  })
  .prefault({});

export const swiftSchema = z
  .strictObject({
    /** Whether reseller admins may PUT and DELETE accounts. */
    accountManagement: z.boolean().default(false),
    /** Refuses every write with 405; an account may be made an exception by its `X-Account-Sysmeta-Read-Only`. */
    readOnly: z.strictObject({ enabled: z.boolean().default(false), allowDeletes: z.boolean().default(false) }).prefault({}),
    tempurl,
    formpost: z.strictObject({ enabled: z.boolean().default(true), allowedDigests: digests }).prefault({}),
    /** `urlBase`: the scheme and host that redirects name, where they are not those of the request. */
    staticweb: z.strictObject({ enabled: z.boolean().default(true), urlBase: z.url().optional() }).prefault({}),
    cors: z.strictObject({ strict: z.boolean().default(true), allowOrigins: z.array(word).default([]), exposeHeaders: headers() }).prefault({}),
    crossdomain: z.strictObject({ enabled: z.boolean().default(false), policy: z.string().default('<allow-access-from domain="*" secure="false" />') }).prefault({}),
    /** `container.AUTH-account.example.com/object`; not at all without a storage domain. */
    domainRemap: z
      .strictObject({
        storageDomains: z.array(word).default([]),
        pathRoot: word.default('v1'),
        resellerPrefixes: z.array(word).default(['AUTH']),
        defaultResellerPrefix: word.optional(),
        mangleClientPaths: z.boolean().default(false),
      })
      .prefault({}),
    /** Domains of clients that are a CNAME of a storage domain; not at all without a storage domain. */
    cnameLookup: z
      .strictObject({ storageDomains: z.array(word).default([]), lookupDepth: z.int().min(1).max(10).default(1), nameservers: z.array(word).default([]) })
      .prefault({}),
    nameCheck: z
      .strictObject({
        enabled: z.boolean().default(false),
        forbiddenChars: z.string().default('\'"`<>'),
        maximumLength: z.int().min(1).default(255),
        forbiddenRegexp: z.string().refine(isRegExp, 'not a regular expression').default('/\\./|/\\.\\./|/\\.$|/\\.\\.$'),
      })
      .prefault({}),
    /** `asyncDelete`: whether `async=on` has segments deleted after the answer; else they are before it. */
    slo: z.strictObject({ asyncDelete: z.boolean().default(false) }).prefault({}),
    /** Realms of clusters that sync containers to each other; not at all without one. */
    containerSync: z
      .strictObject({
        realms: z.record(word, z.strictObject({ key: word, key2: word.optional(), /** The URL of each up to the account, e.g. `https://host/v1/`. */ clusters: z.record(word, z.url({ protocol: /^https?$/ })) })).default({}),
        /** `//realm/cluster` of this one. */
        current: z.string().regex(/^\/\/[^/]+\/[^/]+$/, 'not //realm/cluster').optional(),
        intervalSeconds: z.number().positive().default(60),
        concurrency: z.int().min(1).max(100).default(8),
      })
      .prefault({}),
    etagQuoting: z.strictObject({ enabled: z.boolean().default(true), byDefault: z.boolean().default(false) }).prefault({}),
    rateLimit,
    /** Says to whoever asks, without a token, on which devices a name lives. */
    listEndpoints: z.strictObject({ enabled: z.boolean().default(false), path: z.string().regex(/^\/.+\/$/, 'must begin and end with /').default('/endpoints/') }).prefault({}),
    info: z
      .strictObject({ expose: z.boolean().default(true), /** Signs requests for the admin section. */ adminKey: word.optional(), disallowedSections: z.array(word).default(['swift.valid_api_versions']) })
      .prefault({}),
  })
  .prefault({});

export type SwiftConfig = z.infer<typeof swiftSchema>;

function isRegExp(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
