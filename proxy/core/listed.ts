/**
 * What a container lists of an object that stands for others. A row has one text for its ETag: of such an object it is the MD5 of what
 * is stored, and after it, each behind a semicolon, what it stands for. Plain objects' rows are bare, so that listing them costs nothing.
 */
import { percentDecode, percentEncodePath } from '#common/http';
import { LISTED_ETAG, type Metadata } from '#storage-node/protocol';
import { ETAG, SYSTEM_PREFIX } from './metadata.ts';
import type { ObjectName } from './objects.ts';

export interface Listed {
  /** MD5 of what is stored. */
  readonly etag: string;
  /** Of a manifest: the tag of the object that it makes. */
  readonly manifestEtag?: string | undefined;
  readonly link?: ListedLink | undefined;
  /** Of a version: it is the null version that is kept (null-versions.ts). */
  readonly isNull: boolean;
}

export interface ListedLink {
  readonly target: ObjectName;
  /** Of a link to one version of its target only: what that is. */
  readonly etag?: string | undefined;
  readonly bytes?: number | undefined;
}

/** The text that a row has for its ETag. Tags have no semicolons. */
export function listedEtag({ etag, manifestEtag, link }: Omit<Listed, 'isNull'>): string {
  const parts = [etag];
  if (manifestEtag !== undefined) parts.push(`manifest=${manifestEtag}`);
  if (link !== undefined) {
    const { account, container, object } = link.target;
    parts.push(`link=${[account, container, object].map(encodeName).join('/')}`);
    if (link.etag !== undefined) parts.push(`etag=${link.etag}`);
    if (link.bytes !== undefined) parts.push(`bytes=${link.bytes}`);
  }
  return parts.join(';');
}

export function parseListed(text: string): Listed {
  if (!text.includes(';')) return { etag: text, isNull: false };
  const [etag = '', ...rest] = text.split(';');
  const facts = new Map(rest.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]));
  const path = facts.get('link');
  const bytes = facts.get('bytes');
  return {
    etag,
    isNull: facts.has('null'),
    manifestEtag: facts.get('manifest'),
    link: path === undefined ? undefined : { target: parseTarget(path), etag: facts.get('etag'), bytes: bytes === undefined ? undefined : Number(bytes) },
  };
}

function parseTarget(path: string): ObjectName {
  const [account = '', container = '', ...object] = path.split('/');
  return { account: decodeName(account), container: decodeName(container), object: decodeName(object.join('/')) };
}

function encodeName(name: string): string {
  return percentEncodePath(name);
}

function decodeName(text: string): string {
  return percentDecode(text) ?? text;
}

/** A version that has it is the null version. */
export const NULL_VERSION = `${SYSTEM_PREFIX}null-version`;

/** The mark of a null version that is kept: on itself, and in what is listed of it. */
export function nullMark(metadata: Metadata): Record<string, string> {
  return { [NULL_VERSION]: '1', [LISTED_ETAG]: `${metadata[LISTED_ETAG] ?? metadata[ETAG] ?? ''};null=1` };
}
