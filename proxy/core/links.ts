/**
 * Links: objects without data that stand for another object, or (with a tag) for one state of it only. Whoever follows one asks for the
 * target as the caller may see it, except in reserved containers, where only the store itself leads.
 */
import { hash } from 'node:crypto';
import { percentDecode, percentEncodePath } from '#common/http';
import { LISTED_ETAG, type Metadata } from '#storage-node/protocol';
import { listedEtag } from './listed.ts';
import { SYSTEM_PREFIX } from './metadata.ts';

/** `container/object`, percent-encoded; an object that has it is a link. */
export const LINK_TARGET = `${SYSTEM_PREFIX}link-target`;
const LINK_ACCOUNT = `${SYSTEM_PREFIX}link-account`;
const LINK_ETAG = `${SYSTEM_PREFIX}link-etag`;
const LINK_BYTES = `${SYSTEM_PREFIX}link-bytes`;

export const MD5_OF_NOTHING = hash('md5', '', 'hex');

export interface Link {
  /** Undefined for the account that the link is in, wherever it is copied. */
  readonly account: string | undefined;
  readonly container: string;
  readonly object: string;
  /** What the target must be: its MD5, of a manifest that of the manifest. */
  readonly etag?: string | undefined;
  /** What is read of the target, where its tag is set. */
  readonly bytes?: number | undefined;
}

/** The link that an object is; undefined for any other. */
export function linkOf(metadata: Metadata): Link | undefined {
  const path = metadata[LINK_TARGET];
  if (path === undefined) return undefined;
  const target = percentDecode(path) ?? path;
  const slash = target.indexOf('/');
  const bytes = metadata[LINK_BYTES];
  const account = metadata[LINK_ACCOUNT];
  return {
    account: account === undefined ? undefined : percentDecode(account),
    container: target.slice(0, slash),
    object: target.slice(slash + 1),
    etag: metadata[LINK_ETAG],
    bytes: bytes === undefined ? undefined : Number(bytes),
  };
}

/** The metadata that makes an object of the account a link; `manifestEtag` where its target is a manifest. */
export function linkMetadata(account: string, link: Link, manifestEtag?: string): Record<string, string> {
  const { container, object, etag, bytes } = link;
  const target = { account: link.account ?? account, container, object };
  return {
    [LINK_TARGET]: percentEncodePath(`${container}/${object}`),
    ...(link.account === undefined ? {} : { [LINK_ACCOUNT]: percentEncodePath(link.account) }),
    ...(etag === undefined ? {} : { [LINK_ETAG]: etag }),
    ...(bytes === undefined ? {} : { [LINK_BYTES]: String(bytes) }),
    [LISTED_ETAG]: listedEtag({ etag: MD5_OF_NOTHING, manifestEtag, link: { target, etag, bytes } }),
  };
}
