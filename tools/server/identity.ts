/**
 * What a cluster is, apart from its rings and its data: its secret and the salt of its names, in `cluster.json`. Made once, at
 * the first start, readable by its owner alone; every process of the cluster has the same. Losing the salt loses every name.
 */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { StoreError } from '#common';

const schema = z.object({
  version: z.literal(1),
  /** Signs tokens and the requests between nodes. */
  secret: z.string().min(32),
  salt: z.object({ prefix: z.string(), suffix: z.string() }),
});

export type ClusterIdentity = z.infer<typeof schema>;

const FILE = 'cluster.json';

export function newIdentity(): ClusterIdentity {
  return { version: 1, secret: randomBytes(32).toString('hex'), salt: { prefix: randomBytes(16).toString('hex'), suffix: randomBytes(16).toString('hex') } };
}

/** The identity kept in the folder, or undefined where there is none yet. Throws `corrupt` for a file that is not one. */
export async function readIdentity(folder: string): Promise<ClusterIdentity | undefined> {
  const file = path.join(folder, FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new StoreError('unavailable', `cannot read ${file}: ${error.message}`, { cause: error });
  });
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw new StoreError('corrupt', `${file} is damaged; restore it from another node or a backup: without its salt no name is found`);
  return parsed.data;
}

/** Keeps the identity; refuses to overwrite one. */
export async function writeIdentity(folder: string, identity: ClusterIdentity): Promise<void> {
  await writePrivate(path.join(folder, FILE), `${JSON.stringify(identity, null, 2)}\n`);
}

/** A new file that only its owner reads; fails where it exists. */
export async function writePrivate(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flag: 'wx', flush: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
