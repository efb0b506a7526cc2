/** The file with the root secrets of encryption at rest. Whoever has it can read everything, so nobody but its owner may. */
import { open } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { StoreError } from '#common';
import { RootSecrets } from '#proxy/core';

const schema = z.strictObject({ active: z.string().min(1), secrets: z.record(z.string().min(1), z.base64()) });

const OTHERS = 0o077;

/** Throws `bad-request`, in one line that names the file and never a secret, where it is not what it should be. */
export async function readKeyFile(file: string): Promise<RootSecrets> {
  try {
    await using handle = await open(file);
    if (((await handle.stat()).mode & OTHERS) !== 0) throw new StoreError('bad-request', 'others than its owner may read it: chmod 600');
    const parsed = schema.safeParse(parse(await handle.readFile('utf8')));
    if (!parsed.success) throw new StoreError('bad-request', 'it needs `active`, an id, and `secrets`, each in base64 by its id');
    const { active, secrets } = parsed.data;
    return new RootSecrets({ active, secrets: new Map(Object.entries(secrets).map(([id, secret]) => [id, Buffer.from(secret, 'base64')])) });
  } catch (error) {
    // What a parser says of a fault quotes the line that it is in.
    const ours = error instanceof StoreError || (error as NodeJS.ErrnoException).syscall !== undefined;
    throw new StoreError('bad-request', `the key file ${file}: ${ours ? (error as Error).message : 'it is not YAML'}`);
  }
}
