/** Whether a folder is where a file system is mounted. */
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StoreError } from '#common';

export async function isMounted(directory: string): Promise<boolean> {
  const [own, above] = await Promise.all([resolve(directory), dirname(resolve(directory))].map((folder) => stat(folder).catch(() => undefined)));
  return own !== undefined && above !== undefined && (own.dev !== above.dev || own.ino === above.ino);
}

/** Throws `device-unavailable`. */
export async function assertMounted(directory: string): Promise<void> {
  if (!(await isMounted(directory))) throw new StoreError('device-unavailable', `${directory}: nothing is mounted there (storage.mountCheck)`);
}
