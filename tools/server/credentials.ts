/** The users of a cluster whose configuration names none: one administrator with a generated key, in `credentials.json`, its owner's alone. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { StoreError } from '#common';
import type { TempauthUser } from '#proxy/auth';
import { writePrivate } from './identity.ts';

const schema = z.object({ account: z.string(), user: z.string(), key: z.string(), groups: z.array(z.string()) });

/** The generated administrator, made where there is none yet. */
export async function generatedUser(folder: string): Promise<TempauthUser> {
  const file = path.join(folder, 'credentials.json');
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new StoreError('corrupt', `${file} is damaged; remove it and new credentials are made`, { cause: error });
  }
  const user = { account: 'main', user: 'admin', key: randomBytes(18).toString('base64url'), groups: ['.admin', '.reseller_admin'] };
  await writePrivate(file, `${JSON.stringify(user, null, 2)}\n`);
  return user;
}
