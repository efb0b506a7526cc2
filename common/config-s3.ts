/** The section `s3` of the configuration: who has keys beside tempauth's users, how buckets are addressed, and limits. */
import { z } from 'zod';

const word = z.string().min(1);

const user = z.strictObject({
  /** The project, as tempauth's users have it: buckets are containers of its account. */
  account: word,
  user: word,
  accessKey: word,
  secretKey: word,
  /** What owners are called in answers; `account:user` without it. */
  canonicalId: word.optional(),
  displayName: word.optional(),
  email: word.optional(),
  /** Is of no account: ARNs that name it name none, as those of Ceph's users do. Its buckets are its own all the same. */
  outsideAccounts: z.boolean().optional(),
  /** May manage the identities of its account; of those outside of accounts by default not. */
  managesIdentities: z.boolean().optional(),
});

export const s3Schema = z
  .strictObject({
    enabled: z.boolean().default(true),
    /** What signatures must name, and what buckets say of their place. */
    region: word.default('us-east-1'),
    /** `bucket.domain` is a bucket for each of these; not at all without one. */
    domains: z.array(word.toLowerCase()).default([]),
    /** Where buckets that are websites are shown: `bucket.domain` for each of the domains, and hosts whose bucket has their name. */
    website: z
      .strictObject({
        domains: z.array(word.toLowerCase()).default([]),
        hosts: z.array(word.toLowerCase()).default([]),
      })
      .prefault({}),
    /** Keys beside those of tempauth's users, whose access key is `account:user` and whose secret is their key. */
    users: z.array(user).default([]),
    /** AWS's identity and token services, on the same address. */
    iam: z
      .strictObject({
        enabled: z.boolean().default(true),
        /** Issuers of web identities that may be asked over plain HTTP, as they call themselves. */
        plainIssuers: z.array(word).default([]),
      })
      .prefault({}),
    /** Keys that clients may name for SSE-KMS: 32 bytes each in base64. */
    kmsKeys: z.array(z.strictObject({ id: word, secret: z.base64() })).default([]),
    /** Of new buckets that do not say it. AWS has BucketOwnerEnforced since 2023, which ends ACLs. */
    objectOwnership: z.enum(['ObjectWriter', 'BucketOwnerPreferred', 'BucketOwnerEnforced']).default('ObjectWriter'),
    /**
     * Answers as Swift's s3api does where AWS documents otherwise, for clients that come from there: each user sees the buckets that he made,
     * and not those of his account's other users; a bucket made again is 409 to its owner too; listings of uploads and parts always name the next marker; errors do
     * not name the resource; a Content-Encoding of aws-chunked is kept where nothing is chunked; answers without a body have a type.
     */
    swiftHabits: z.boolean().default(false),
    /** Where events of buckets go: buckets name them `arn:gori:sqs:REGION:NAME:webhook` or `:redis`. */
    notifications: z
      .strictObject({
        webhooks: z.array(z.strictObject({ name: word, url: z.url({ protocol: /^https?$/ }), secret: word.optional(), timeoutSeconds: z.number().positive().default(10) })).default([]),
        redis: z.array(z.strictObject({ name: word, url: z.url({ protocol: /^rediss?$/ }), key: word, as: z.enum(['list', 'stream', 'channel']).default('list') })).default([]),
        /** How long after it could not be told an event is tried again, and after how long it is given up. */
        retrySeconds: z.number().positive().default(30),
        giveUpSeconds: z.number().positive().default(86_400),
      })
      .prefault({}),
    /** How often lifecycle rules are acted on. */
    lifecycleIntervalSeconds: z.number().positive().default(3600),
    /** How long a day of lifecycle rules is; other than a real one only for tests. */
    lifecycleDaySeconds: z.number().positive().default(86_400),
  })
  .prefault({});

export type S3Config = z.infer<typeof s3Schema>;
