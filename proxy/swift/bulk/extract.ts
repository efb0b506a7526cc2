/** An archive as the objects in it (Swift's "Extract archive"): tar, plain or compressed; the first directory of a name is its container. */
import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { StoreError } from '#common';
import { bodyOfBuffer, bodyOfChunks, type Body } from '#common/stream';
import { CONTENT_TYPE, INLINE_BODY_BYTES } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorizeContainer } from '../container/access.ts';
import { createContainer } from '../container/put.ts';
import { asRefusal } from '../errors.ts';
import { checkMetadataHeaders, checkNameLength, CONSTRAINTS } from '../constraints.ts';
import { contentTypeOf } from '../object/content-type.ts';
import { expiryMetadata } from '../object/expiry.ts';
import { storedMetadata } from '../object/headers.ts';
import { writeObject } from '../object/write.ts';
import { Refusal, statusLine } from '../refusal.ts';
import { whileWorking } from '../report/keep-alive.ts';
import { reportFormat, type ReportFormat } from '../report/report.ts';
import type { ObjectRequest, SwiftRequest } from '../request.ts';
import { bunzip } from './bunzip.ts';
import { BULK_UPLOAD, CONCURRENCY } from './limits.ts';
import { Outcome } from './outcome.ts';
import { drain, tarEntries, type ArchiveEntry, type ArchiveHeader } from './tar-entries.ts';

const CREATED = 'Number Files Created';

export type Compression = 'none' | 'gzip' | 'bzip2';

export function extractArchive(request: SwiftRequest, compression: Compression): Response {
  const { exchange } = request;
  const lengthless = exchange.contentLength === undefined && !exchange.chunked;
  const accepted = reportFormat(exchange.header('accept'));
  const format = accepted ?? 'text/plain';
  const body = exchange.body(Infinity);
  const work = async (signal: AbortSignal): Promise<string> => {
    const extraction = new Extraction(request, signal);
    return extraction.run(format, async () => {
      if (accepted === undefined) throw new Refusal(406);
      if (lengthless) throw new Refusal(411);
      await extraction.extract(decompressed(body, compression));
    });
  };
  return { status: 200, headers: { 'Content-Type': format }, body: whileWorking(work, { format, atOnce: false }), readsBody: true };
}

function decompressed(body: Body, compression: Compression): AsyncIterable<Buffer> {
  if (compression === 'none') return body.chunks();
  if (compression === 'bzip2') return bunzip(body.chunks());
  // Faults of either end reach whoever reads.
  return pipeline(Readable.from(body.chunks(), { objectMode: false }), createGunzip(), () => undefined);
}

class Extraction {
  readonly #request: SwiftRequest;
  readonly #signal: AbortSignal;
  readonly #outcome = new Outcome([CREATED], BULK_UPLOAD.max_failed_extractions);
  readonly #containers = new Map<string, Promise<void>>();
  /** Writes of small files that go on while more of the archive is read, by path. */
  readonly #writing = new Map<string, Promise<void>>();
  #created = 0;
  #fault: { readonly error: unknown } | undefined;

  constructor(request: SwiftRequest, signal: AbortSignal) {
    this.#request = request;
    this.#signal = signal;
  }

  /** The report of some work, whatever becomes of it. */
  async run(format: ReportFormat, work: () => Promise<void>): Promise<string> {
    try {
      await work();
      return this.#outcome.report(format, 'extract', { done: 201, nothing: 'Invalid Tar File: No Valid Files' });
    } catch (error) {
      const refusal = invalidArchive(error) ?? asRefusal(error);
      if (refusal === undefined) this.#request.store.cluster.log.error({ err: error, txn: this.#request.exchange.transactionId }, 'an archive could not be extracted');
      return this.#outcome.reportFault(format, 'extract', refusal ?? new Refusal(500));
    }
  }

  async extract(archive: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const entry of tarEntries(archive)) {
        if (this.#outcome.full || this.#signal.aborted) break;
        if (this.#fault !== undefined) throw this.#fault.error;
        await this.#entry(entry);
      }
      await Promise.all(this.#writing.values());
      if (this.#fault !== undefined) throw this.#fault.error as Error;
    } finally {
      await Promise.allSettled(this.#writing.values());
    }
  }

  async #entry(entry: ArchiveEntry): Promise<void> {
    const { header } = entry;
    const name = header.type === 'file' || header.type === 'contiguous-file' ? nameOf(header) : undefined;
    const path = name === undefined ? undefined : this.#path(name);
    if (path === undefined || !path.includes('/')) return drain(entry);
    const { size } = header;
    if (!isUtf8(Buffer.from(path, 'latin1'))) {
      this.#outcome.fail(path, statusLine(412));
      return drain(entry);
    }
    const text = Buffer.from(path, 'latin1').toString('utf8');
    if (size > CONSTRAINTS.max_file_size) {
      this.#outcome.fail(text, statusLine(413));
      return drain(entry);
    }
    // Of one name the later entry wins.
    await this.#writing.get(text);
    if (size > INLINE_BODY_BYTES) {
      await this.#store(text, header, bodyOfChunks(entry, size));
      return drain(entry);
    }
    const body = bodyOfBuffer(await bodyOfChunks(entry, size).collect(size));
    const writing = this.#store(text, header, body)
      .catch((error: unknown) => {
        this.#fault ??= { error };
      })
      .finally(() => this.#writing.delete(text));
    this.#writing.set(text, writing);
    if (this.#writing.size >= CONCURRENCY) await Promise.race(this.#writing.values());
  }

  /** `container/object` as latin-1, under what the request's own path names. */
  #path(name: string): string {
    const { container, object } = this.#request;
    const base = [container, object].filter((part) => part !== undefined).join('/').replace(/\/+$/, '');
    const own = name.replace(/^\.\//, '').replace(/^\/+/, '');
    return base === '' ? own : `${Buffer.from(base).toString('latin1')}/${own}`;
  }

  async #store(path: string, header: ArchiveHeader, body: Body): Promise<void> {
    const slash = path.indexOf('/');
    const target: ObjectRequest = { ...this.#request, container: path.slice(0, slash), object: path.slice(slash + 1), query: new Map() };
    let ofContainer: unknown;
    try {
      await this.#container(target).catch((error: unknown) => {
        if (asRefusal(error) === undefined || isFatal(error)) throw error;
        // The object may be written all the same, where the container's ACL lets it.
        ofContainer = error;
      });
      const container = await authorizeContainer(target, 'object-write');
      if (container === undefined) throw new Refusal(404);
      await writeObject(target, container, { body, metadata: metadataOf(target, header), condition: undefined });
      this.#outcome.count(CREATED);
    } catch (error) {
      if (isFatal(error) || this.#signal.aborted) throw error;
      if (ofContainer !== undefined) this.#outcome.fail(target.container, ofContainer);
      if (this.#outcome.fail(path, error)?.status === 401) throw error;
    }
  }

  /** Makes sure of a container once. */
  #container(target: ObjectRequest): Promise<void> {
    let making = this.#containers.get(target.container);
    if (making === undefined) {
      making = this.#create(target);
      this.#containers.set(target.container, making);
      making.catch(() => undefined);
    }
    return making;
  }

  async #create(target: ObjectRequest): Promise<void> {
    const created = await createContainer(target);
    if (!created) return;
    this.#created++;
    if (this.#created > BULK_UPLOAD.max_containers_per_extraction) {
      throw new TooManyContainers(400, `More than ${BULK_UPLOAD.max_containers_per_extraction} containers to create from tar.`);
    }
  }
}

class TooManyContainers extends Refusal {}

/** Ends the extraction: nothing that follows could do better. */
function isFatal(error: unknown): boolean {
  return error instanceof TooManyContainers || (error instanceof StoreError && (error.code === 'client-disconnected' || error.code === 'body-incomplete')) || invalidArchive(error) !== undefined;
}

/** What is wrong with the archive itself: said by the libraries that read it. */
function invalidArchive(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? String(error.code) : '';
  const ofArchive = code.startsWith('Z_') || code === 'ERR_STREAM_PREMATURE_CLOSE' || (error instanceof StoreError && error.code === 'bad-request') || /^(Invalid tar header|Unexpected end of data)/.test(error.message);
  return ofArchive ? new Refusal(400, `Invalid Tar File: ${error.message}`) : undefined;
}

/** An entry's name, one character a byte. Pax headers are UTF-8 by themselves. */
function nameOf({ name, pax }: ArchiveHeader): string {
  const own = pax?.['path'];
  return own === undefined ? name : Buffer.from(own).toString('latin1');
}

function metadataOf({ exchange, object, store }: ObjectRequest, { pax }: ArchiveHeader): Record<string, string> {
  checkNameLength('object', object);
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(exchange.headers)) {
    if (name.startsWith('x-object-meta-') || name === 'x-delete-at' || name === 'x-delete-after') headers[name] = value;
  }
  let type: string | undefined;
  for (const [key, value] of Object.entries(pax ?? {})) {
    const attribute = /^(?:SCHILY|LIBARCHIVE)\.xattr\.user\.(?:(mime_type)|meta\.(.+))$/s.exec(key);
    const bytes = Buffer.from(value).toString('latin1');
    if (attribute?.[1] !== undefined) type = bytes;
    else if (attribute?.[2] !== undefined) headers[`x-object-meta-${attribute[2].toLowerCase()}`] = bytes;
  }
  checkMetadataHeaders('object', headers);
  return {
    [CONTENT_TYPE]: contentTypeOf(object, type, undefined),
    ...storedMetadata(headers),
    ...expiryMetadata(headers, store.cluster.clock.nowMs()),
  };
}
