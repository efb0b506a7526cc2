/** What a PUT or POST of a container asks of container sync: checked before it is stored, and told to whoever sends. */
import { VERSIONS } from '#proxy/core';
import { SYNC_TO } from '../privileged.ts';
import { Refusal } from '../refusal.ts';
import type { ContainerRequest } from '../request.ts';
import { ARCHIVE } from '../versions/legacy.ts';
import { SyncRealms } from './realms.ts';

/** `after` is the container's metadata with the changes. Where no realm is configured a value is kept and does nothing, as with Swift. */
export async function beginSync({ store, settings, account, container }: ContainerRequest, after: Readonly<Record<string, string>>, changes: Readonly<Record<string, string>>): Promise<void> {
  const to = after[SYNC_TO] ?? '';
  if (to === '') return;
  if (after[VERSIONS] !== undefined || (after[ARCHIVE] ?? '') !== '') throw new Refusal(400, 'Cannot configure container sync on a container with object versioning configured.');
  if ((changes[SYNC_TO] ?? '') === '') return;
  const realms = new SyncRealms(settings.containerSync);
  if (!realms.any) return;
  realms.target(to);
  await store.syncing.add({ at: 0, name: `${account}/${container}` });
}
