/** PUT with X-Symlink-Target: an object without data becomes a symbolic link; with X-Symlink-Target-Etag a static one, whose target is looked at. */
import { isStoreError } from '#common';
import { percentDecode } from '#common/http';
import { bodyOfBuffer } from '#common/stream';
import { CONTENT_TYPE, ETAG, isReserved, linkMetadata, linkOf, MANIFEST_BYTES, MANIFEST_ETAG, versionOfLink, type ContainerSummary, type Link, type ObjectName, type WriteCondition } from '#proxy/core';
import type { Response } from '#proxy/edge';
import type { ObjectInfo } from '#storage-node/protocol';
import { authorizeContainer } from '../container/access.ts';
import { checkPutHeaders, putMetadata } from '../object/checks.ts';
import { accountHeader } from '../object/path-headers.ts';
import { created, writeObject, type Written } from '../object/write.ts';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';
import { mismatch, pathOf, SYMLOOP_MAX } from './link.ts';

const PLAIN = { 'Content-Type': 'text/plain' };

export async function putLink(request: ObjectRequest, container: ContainerSummary): Promise<Response> {
  const { exchange } = request;
  const condition = checkPutHeaders(request);
  await refuseBody(request);
  const metadata: Record<string, string> = putMetadata(request);
  if ((exchange.header('content-type') ?? '') === '') delete metadata[CONTENT_TYPE];
  return created(await writeLink(request, container, { link: askedLink(request, exchange.header('x-symlink-target')!), metadata, condition }));
}

async function refuseBody({ exchange }: ObjectRequest): Promise<void> {
  const refusal = new Refusal(400, 'Symlink requests require a zero byte body', PLAIN);
  if (!exchange.chunked && (exchange.contentLength ?? 0) !== 0) throw refusal;
  if (!exchange.chunked) return;
  await exchange.body(0).collect(0).catch((error: unknown) => {
    throw isStoreError(error, 'entity-too-large') ? refusal : error;
  });
}

/** The link that the headers ask for; `target` is that of X-Symlink-Target. */
export function askedLink(request: ObjectRequest, target: string): Link {
  const path = percentDecode(target);
  const match = path === undefined || path.includes('\0') ? null : /^([^/]+)\/(.+)$/s.exec(path);
  if (match === null) throw new Refusal(412, 'X-Symlink-Target header must be of the form <container name>/<object name>', PLAIN);
  const account = request.exchange.header('x-symlink-target-account') === undefined ? undefined : accountHeader(request, 'x-symlink-target-account');
  const etag = (request.exchange.header('x-symlink-target-etag') ?? '').trim().replace(/^"(.*)"$/, '$1');
  if (/[;"\\]/.test(etag)) throw new Refusal(400, 'Bad X-Symlink-Target-Etag format', PLAIN);
  return { account, container: match[1]!, object: match[2]!, ...(etag === '' ? {} : { etag }) };
}

export interface LinkUpload {
  readonly link: Link;
  /** Without Content-Type, that of the target of a static link is taken. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly condition: WriteCondition | undefined;
}

export async function writeLink(request: ObjectRequest, container: ContainerSummary, { link, metadata, condition }: LinkUpload): Promise<Written> {
  const { account } = request;
  const target = { account: link.account ?? account, container: link.container, object: link.object };
  if (target.account === account && target.container === request.container && target.object === request.object) {
    throw new Refusal(400, 'Symlink cannot target itself', PLAIN);
  }
  const info = link.etag === undefined ? undefined : await targetOf(request, target, link.etag);
  const contentType = metadata[CONTENT_TYPE] ?? info?.metadata[CONTENT_TYPE] ?? 'application/symlink';
  const bytes = info === undefined ? {} : { bytes: Number(info.metadata[MANIFEST_BYTES] ?? info.sizeBytes) };
  const stored = linkMetadata(account, { ...link, ...bytes }, info?.metadata[MANIFEST_ETAG]);
  return writeObject(request, container, { body: bodyOfBuffer(Buffer.alloc(0)), metadata: { ...metadata, [CONTENT_TYPE]: contentType, ...stored }, condition });
}

/** The object that a static link leads to, which must be there and have the tag. Links on the way count with theirs. */
async function targetOf(request: ObjectRequest, target: ObjectName, etag: string): Promise<ObjectInfo> {
  for (let hops = 0; hops <= SYMLOOP_MAX; ) {
    const location = { ...PLAIN, 'Content-Location': pathOf(target) };
    if (!isReserved(target.container)) await authorizeContainer({ ...request, ...target }, 'object-read');
    const info = await request.store.objects.head(target).catch((error: unknown) => {
      throw isStoreError(error, 'object-not-found', 'container-not-found') ? new Refusal(409, 'X-Symlink-Target does not exist', location) : error;
    });
    const link = linkOf(info.metadata);
    if (link === undefined || versionOfLink(link) === undefined) {
      const found = link?.etag ?? info.metadata[ETAG];
      if (found !== etag) throw new Refusal(409, mismatch(link?.etag, found, etag), location);
      if (link?.etag === undefined) return info;
      hops++;
    }
    target = { account: link.account ?? target.account, container: link.container, object: link.object };
  }
  throw new Refusal(409, `Too many levels of symbolic links, maximum allowed is ${SYMLOOP_MAX}`, PLAIN);
}
