/**
 * The configuration: one YAML file, checked against one schema; every fault of it is named at once. The only place that knows
 * its form. Everything has a default: without a file, a whole cluster runs in one process on one folder.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { s3Schema } from './config-s3.ts';
import { swiftSchema } from './config-swift.ts';
import { StoreError } from './errors.ts';
import { LOG_LEVELS } from './log.ts';

const port = z.int().min(0).max(65_535);
const word = z.string().min(1);

const user = z.strictObject({
  account: word,
  user: word,
  key: word,
  groups: z.array(word).default([]),
});

const policy = z.strictObject({
  index: z.int().min(0),
  name: word,
  aliases: z.array(word).default([]),
  consistency: z.enum(['strong', 'available']).default('strong'),
  default: z.boolean().default(false),
  deprecated: z.boolean().default(false),
  /** Of the rings made at the first start. */
  replicas: z.number().min(1).max(16).default(3),
});

const schema = z.strictObject({
  /** Where everything is kept. A relative path counts from the configuration file. */
  data: word.default('data'),
  /** What this process does. Without `storage`, the devices of the rings are reached over HTTP. */
  roles: z.array(z.enum(['proxy', 'storage'])).min(1).default(['proxy', 'storage']),
  /** Where clients are served. */
  proxy: z.strictObject({ host: word.default('127.0.0.1'), port: port.default(8080) }).prefault({}),
  /** Where the devices of this machine are served to other processes; not at all without it. */
  storage: z.strictObject({ host: word.default('127.0.0.1'), port, /** Names of the devices; default: all under `<data>/devices`. */ devices: z.array(word).optional(), /** Refuse devices where no file system is mounted, as Swift's mount_check. */ mountCheck: z.boolean().default(false) }).optional(),
  /** The rings made at the first start of a whole cluster in one process. */
  embedded: z
    .strictObject({ devices: z.int().min(1).max(64).default(4), replicas: z.number().min(1).max(16).default(3), partPower: z.int().min(1).max(20).default(10) })
    .prefault({}),
  policies: z.array(policy).min(1).optional(),
  /** How long deletions are remembered. A device that was away for longer may bring back what was deleted: empty it before it returns. */
  reclaimAgeSeconds: z.int().min(3600).default(7 * 86_400),
  auth: z
    .strictObject({
      tempauth: z
        .strictObject({
          users: z.array(user).default([]),
          resellerPrefix: word.default('AUTH'),
          /** More accounts for each project, e.g. `SERVICE_test` beside `AUTH_test`; with a group, only for its members together with the owner. */
          servicePrefixes: z.array(z.strictObject({ prefix: word, requireGroup: word.optional() })).default([]),
          tokenLifeSeconds: z.int().min(1).default(86_400),
          /** What X-Storage-Url begins with; by default what the client came with. */
          storageUrlScheme: z.enum(['default', 'http', 'https']).default('default'),
        })
        .prefault({}),
    })
    .prefault({}),
  swift: swiftSchema,
  /**
   * Encryption at rest. The key file is YAML: `active`, the id of a secret, and `secrets`, each at least 32 bytes in base64 by its id; only its
   * owner may read it. Without `enabled` what was encrypted is still read.
   */
  encryption: z
    .strictObject({ enabled: z.boolean().default(false), keyFile: word.optional() })
    .refine(({ enabled, keyFile }) => !enabled || keyFile !== undefined, 'needs a keyFile')
    .prefault({}),
  /** What acts on names beside clients; in processes with the role `proxy`. */
  janitors: z
    .strictObject({
      expirer: z.strictObject({ enabled: z.boolean().default(true), intervalSeconds: z.number().positive().default(60), concurrency: z.int().min(1).max(100).default(8) }).prefault({}),
      /** Moves what was written under another storage policy than its container has. */
      reconciler: z.strictObject({ enabled: z.boolean().default(true), intervalSeconds: z.number().positive().default(30) }).prefault({}),
      /** Of what was asked to be deleted after the answer. */
      deleter: z.strictObject({ enabled: z.boolean().default(true), intervalSeconds: z.number().positive().default(10), concurrency: z.int().min(1).max(100).default(8) }).prefault({}),
      accountReaper: z
        .strictObject({
          enabled: z.boolean().default(true),
          intervalSeconds: z.number().positive().default(60),
          concurrency: z.int().min(1).max(100).default(8),
          /** From the deletion of an account to that of what it held. */
          delaySeconds: z.int().min(0).default(0),
        })
        .prefault({}),
    })
    .prefault({}),
  s3: s3Schema,
  /** Reads all that devices hold, looking for rot: so many bytes a second of each, and again after so long. */
  auditor: z.strictObject({ enabled: z.boolean().default(true), bytesPerSecond: z.int().min(1).default(20_000_000), intervalSeconds: z.number().positive().default(86_400) }).prefault({}),
  /** The rest between two passes over a node's devices where a pass found nothing to do. */
  replicator: z.strictObject({ intervalSeconds: z.number().positive().default(30) }).prefault({}),
  cache: z.strictObject({ /** `redis://host:port` each; in memory without. */ redis: z.array(z.url({ protocol: /^rediss?$/ })).default([]) }).prefault({}),
  limits: z
    .strictObject({
      maxHeaderBytes: z.int().min(8192).default(64 * 1024),
      headersTimeoutMs: z.int().min(100).default(30_000),
      bodyIdleTimeoutMs: z.int().min(100).default(60_000),
      keepAliveTimeoutMs: z.int().min(100).default(120_000),
      /** How long requests in flight may take to finish after SIGTERM. */
      shutdownGraceMs: z.int().min(0).default(30_000),
    })
    .prefault({}),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).default('warn') }).prefault({}),
});

export type Config = z.infer<typeof schema>;

/** What the command line says over the file. */
export interface ConfigOverrides {
  readonly data?: string | undefined;
  readonly port?: number | undefined;
}

/** Reads and checks the file (none: all defaults). Throws `bad-request` that names every fault, each on a line of its own. */
export function loadConfig(file: string | undefined, overrides: ConfigOverrides = {}): Config {
  const config = parseConfig(file === undefined ? {} : readYaml(file), file);
  const base = file === undefined || overrides.data !== undefined ? process.cwd() : path.dirname(path.resolve(file));
  return Object.freeze({
    ...config,
    data: path.resolve(base, overrides.data ?? config.data),
    proxy: { ...config.proxy, port: overrides.port ?? config.proxy.port },
    encryption: { ...config.encryption, ...(config.encryption.keyFile !== undefined && { keyFile: path.resolve(base, config.encryption.keyFile) }) },
  });
}

/** Checks a configuration that has been read; `name` is what faults are said of. */
export function parseConfig(raw: unknown, name = ''): Config {
  const parsed = schema.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `  ${issue.path.map(String).join('.') || '(top)'}: ${issue.message}`);
  throw new StoreError('bad-request', `configuration ${name} has ${faults.length} fault(s):\n${faults.join('\n')}`);
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StoreError('bad-request', `cannot read the configuration ${file}: ${(error as Error).message}`, { cause: error });
  }
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    throw new StoreError('bad-request', `configuration ${file} is not YAML:\n${document.errors.map((error) => `  ${error.message.split('\n')[0]}`).join('\n')}`);
  }
  return document.toJS();
}
