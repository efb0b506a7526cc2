/** POST of a symbolic link: the link took the metadata; who meant the target is told where it is. */
import type { Link } from '#proxy/core';
import { Refusal } from '../refusal.ts';
import { pathOf } from './link.ts';

const TEXT = 'The requested POST was applied to a symlink. POST directly to the target to apply requested metadata.';

export function redirected(account: string, link: Link): never {
  const { container, object, etag } = link;
  const location = pathOf({ account: link.account ?? account, container, object });
  throw new Refusal(307, TEXT, { Location: location, ...(etag === undefined ? {} : { 'X-Symlink-Target-Etag': etag }) });
}
