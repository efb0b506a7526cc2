/** One row of a container to another cluster: what the object is here it is made there, at the time it has here, unless it is newer there. */
import { request as requestHttp, Agent as HttpAgent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as requestHttps, Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { formatTimestamp, isStoreError, parseTimestamp, StoreError, type Timestamp } from '#common';
import { percentEncodePath } from '#common/http';
import { linkOf, MANIFEST_ETAG, versionOf, type ContainerName, type OpenObject, type Store } from '#proxy/core';
import { changedAt, type ListingRow } from '#storage-node/protocol';
import { objectHeaders } from '../object/headers.ts';
import { signFor, type SyncTarget } from './realms.ts';

export interface Destination {
  readonly target: SyncTarget;
  readonly userKey: string;
}

/** `skipped`: what cannot or need not be on another cluster. */
export type SentRow = 'put' | 'deleted' | 'known' | 'skipped';

/** Silence after which the other cluster is given up for now. */
const TIMEOUT_MS = 60_000;
const SHOWN_BYTES = 200;
const AGENTS = { 'http:': new HttpAgent({ keepAlive: true, maxSockets: 64 }), 'https:': new HttpsAgent({ keepAlive: true, maxSockets: 64 }) } as const;
/** Of what a GET shows, what is not the object's own. */
const NOT_SENT = ['Last-Modified', 'Accept-Ranges', 'Etag'];

/** Throws `unavailable` where the other cluster does not take it now. */
export async function sendRow(store: Store, container: ContainerName, row: ListingRow, destination: Destination): Promise<SentRow> {
  const at = changedAt(row);
  if (row.deleted) {
    const status = await ask(destination, 'DELETE', row.name, { 'X-Timestamp': formatTimestamp(at) });
    if (status.code === 404 || status.code === 409 || isGood(status.code)) return 'deleted';
    throw refused('DELETE', row.name, status);
  }
  if (await isThere(destination, row.name, at)) return 'known';
  const open = await store.objects.get({ ...container, object: row.name }).catch((error: unknown) => {
    // Gone since: its tombstone's row is to come. Under a key of its client: nobody else can read it.
    if (isStoreError(error, 'object-not-found', 'forbidden')) return undefined;
    throw error;
  });
  if (open === undefined) return 'skipped';
  await using _ = open;
  if (versionOf(open.info) !== undefined) return 'skipped';
  const status = await ask(destination, 'PUT', row.name, headersOf(open), open);
  if (isGood(status.code)) return 'put';
  if (status.code === 409) return 'known';
  throw refused('PUT', row.name, status);
}

async function isThere(destination: Destination, name: string, at: Timestamp): Promise<boolean> {
  const status = await ask(destination, 'HEAD', name, { 'X-Timestamp': formatTimestamp(at) });
  if (status.code === 404) return false;
  // A link or a manifest that leads nowhere yet is there all the same, and may be sent again.
  if (status.code === 409) return false;
  if (!isGood(status.code)) throw refused('HEAD', name, status);
  try {
    return parseTimestamp(String(status.timestamp).split('_')[0]!) >= at;
  } catch {
    return false;
  }
}

function headersOf({ info }: OpenObject): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...objectHeaders(info), 'Content-Length': info.sizeBytes };
  const link = linkOf(info.metadata);
  const etag = headers['Etag'];
  for (const name of NOT_SENT) delete headers[name];
  if (info.metadata[MANIFEST_ETAG] === undefined && link === undefined) headers['Etag'] = etag;
  if (link === undefined) return headers;
  headers['X-Symlink-Target'] = percentEncodePath(`${link.container}/${link.object}`);
  if (link.account !== undefined) headers['X-Symlink-Target-Account'] = percentEncodePath(link.account);
  if (link.etag !== undefined) headers['X-Symlink-Target-Etag'] = link.etag;
  if (link.etag !== undefined && link.bytes !== undefined) headers['X-Symlink-Target-Bytes'] = String(link.bytes);
  return headers;
}

interface Status {
  readonly code: number;
  readonly timestamp: string | undefined;
  readonly text: string;
}

async function ask({ target, userKey }: Destination, method: string, name: string, headers: OutgoingHttpHeaders, body?: OpenObject): Promise<Status> {
  const url = new URL(`${target.url}/${percentEncodePath(name)}`);
  // What is signed is the path as Swift's clients write it, whatever URL makes of dots in it.
  const path = `${new URL(target.url).pathname}/${percentEncodePath(name)}`;
  const auth = signFor(target, { method, path, timestamp: String(headers['X-Timestamp'] ?? '0'), userKey });
  const secure = url.protocol === 'https:';
  const options = { method, host: url.hostname, port: url.port, path: method === 'HEAD' ? `${path}?symlink=get` : path, headers: { ...headers, 'X-Container-Sync-Auth': auth }, agent: AGENTS[secure ? 'https:' : 'http:'], timeout: TIMEOUT_MS };
  const request = (secure ? requestHttps : requestHttp)(options);
  request.on('timeout', () => request.destroy(new Error('the other cluster was silent for too long')));
  let answer: IncomingMessage | undefined;
  const answered = new Promise<IncomingMessage>((resolve, reject) => request.once('response', (came) => resolve((answer = came))).once('error', reject));
  try {
    const sending = body === undefined ? void request.end() : pipeline(Readable.from(body.data === undefined ? body.read(0, body.info.sizeBytes) : [body.data], { objectMode: false }), request);
    // A refusal may come in the middle of the body, and then nobody reads on.
    const ending = sending?.catch((error: unknown) => {
      if (answer === undefined) throw error;
    });
    const [came] = await Promise.all([answered, ending]);
    const texts: string[] = [];
    for await (const chunk of came.setEncoding('utf8')) texts.push(String(chunk).slice(0, SHOWN_BYTES));
    const timestamp = came.headers['x-timestamp'];
    return { code: came.statusCode ?? 0, timestamp: typeof timestamp === 'string' ? timestamp : undefined, text: texts.join('').slice(0, SHOWN_BYTES) };
  } catch (error) {
    if (isStoreError(error)) throw error;
    throw new StoreError('unavailable', `${url.host}: ${(error as Error).message}`, { cause: error });
  } finally {
    if (!request.writableFinished) request.destroy();
  }
}

function isGood(code: number): boolean {
  return code >= 200 && code < 300;
}

function refused(method: string, name: string, { code, text }: Status): StoreError {
  return new StoreError('unavailable', `the other cluster answers ${code} to ${method} ${name}: ${text}`);
}
