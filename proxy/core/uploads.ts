/**
 * Uploads in parts, as S3 has them. Parts are objects in a reserved container beside the object's own, each under a name that no other
 * attempt has; what is completed is a manifest over them (stored-manifest.ts), so nothing is copied and both dialects read it as one. The
 * upload has a record in another reserved container, which outlives completion: who completes twice is told the same, and who
 * sweeps later finds what became of the parts.
 */
import { randomBytes } from 'node:crypto';
import { formatTimestamp, isStoreError, StoreError, type Timestamp } from '#common';
import { bodyOfBuffer, type Body } from '#common/stream';
import { isSubdirectory, type ListingPage, type ListingRow, type Metadata, type ObjectInfo } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import type { WriteCondition } from './condition.ts';
import type { ContainerName, Containers } from './containers.ts';
import { CONTENT_TYPE, ETAG, SYSTEM_PREFIX } from './metadata.ts';
import type { Keymaster } from './encryption/index.ts';
import type { ObjectName, Objects, Stored } from './objects.ts';
import { reservedName, reservedParts } from './reserved.ts';
import { partNameOf, partsContainer, parsePartName, partsPrefix, uploadName, uploadsContainer, type UploadPart } from './upload-names.ts';

/** On the object that an upload became: which. */
export const UPLOAD_ID = `${SYSTEM_PREFIX}upload-id`;
/** On an upload's record: who is completing it, and what it became. */
const COMPLETING = `${SYSTEM_PREFIX}upload-completing`;
const COMPLETED = `${SYSTEM_PREFIX}upload-completed`;
export const UPLOAD_TYPE = 'application/x-upload';
export const COMPLETED_TYPE = 'application/x-upload;completed';
/** Who began to complete an upload and was not heard of for so long is gone. */
const COMPLETING_MS = 30_000;
const PAGE = 1000;

export interface Upload {
  readonly id: string;
  readonly startedAt: Timestamp;
  /** What the object is to be stored with. */
  readonly metadata: Metadata;
  /** What it became; undefined where it is still open. */
  readonly completed: Metadata | undefined;
}

export interface Completion {
  /** What identifies the list of parts that is completed. */
  readonly token: string;
  /** Writes the object; what it answers is kept and told again to who completes again. */
  readonly write: (upload: Upload) => Promise<Metadata>;
  /** Finds an object that an earlier attempt wrote and did not live to tell of. */
  readonly written: (upload: Upload) => Promise<Metadata | undefined>;
}

export class Uploads {
  readonly #cluster: Cluster;
  readonly #containers: Containers;
  readonly #objects: Objects;

  constructor(cluster: Cluster, containers: Containers, objects: Objects) {
    this.#cluster = cluster;
    this.#containers = containers;
    this.#objects = objects;
  }

  /** Begins an upload; `metadata` is what its object will have, `label` is shown by listings of uploads. */
  async create(target: ObjectName, metadata: Metadata, { policy, label }: { policy: number; label: string }): Promise<string> {
    for (const place of [uploadsContainer(target), partsContainer(target)]) await this.#prepare(place, policy);
    const id = formatTimestamp(this.#cluster.timestamps.now()).replace('.', '') + randomBytes(12).toString('hex');
    const kept = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`user:${name}`, value]));
    await this.#objects.put({ target: uploadName(target, id), body: bodyOfBuffer(Buffer.alloc(0)), metadata: { ...kept, [CONTENT_TYPE]: `${UPLOAD_TYPE};by=${encodeURIComponent(label)}` } });
    return id;
  }

  /** Throws `object-not-found` for one that is not there; one that is completed is. */
  async get(target: ObjectName, id: string): Promise<Upload> {
    try {
      return uploadOf(id, await this.#objects.head(uploadName(target, id)));
    } catch (error) {
      if (isStoreError(error, 'container-not-found')) throw new StoreError('object-not-found', 'there is no such upload', { cause: error });
      throw error;
    }
  }

  /** Stores a part, of whose type `lateMetadata` may say more. A part of the same number takes the place of one before. */
  async putPart(target: ObjectName, id: string, part: { number: number; body: Body; lateMetadata: () => Metadata; expectedEtag?: string | undefined; keymaster?: Keymaster | undefined }): Promise<Stored> {
    const { number, ...rest } = part;
    const name = partNameOf(target, id, number, this.#cluster.timestamps.now());
    return this.#objects.put({ ...rest, target: name, metadata: { [CONTENT_TYPE]: UPLOAD_TYPE } });
  }

  /** The parts in order of their numbers, of each the newest; and how many attempts there were at all. */
  async parts(target: ObjectName, id: string): Promise<{ parts: UploadPart[]; attempts: number }> {
    let attempts = 0;
    const newest = new Map<number, UploadPart>();
    for await (const row of this.#rows(partsContainer(target), partsPrefix(target, id))) {
      attempts++;
      const part = parsePartName(row);
      if (part !== undefined && (newest.get(part.number)?.attempt ?? '') <= part.attempt) newest.set(part.number, part);
    }
    return { parts: [...newest.values()].sort((a, b) => a.number - b.number), attempts };
  }

  /** A page of uploads of a container in order of names, then of their beginnings; those completed are among them, by their type. */
  async list(name: ContainerName, query: { prefix: string; marker: string; delimiter: string; limit: number }): Promise<Pick<ListingPage, 'entries' | 'truncated'>> {
    const { prefix, ...rest } = query;
    try {
      return await this.#containers.list(uploadsContainer(name), { ...rest, prefix: reservedName(prefix), endMarker: '', reverse: false });
    } catch (error) {
      if (isStoreError(error, 'container-not-found')) return { entries: [], truncated: false };
      throw error;
    }
  }

  /** Completes an upload exactly once: the same list again answers the same; another list finds no upload. Throws `object-not-found`, `conflict`. */
  async complete(target: ObjectName, id: string, { token, write, written }: Completion): Promise<Metadata> {
    const record = uploadName(target, id);
    const before = await this.#objects.head(record);
    const upload = uploadOf(id, before);
    if (upload.completed !== undefined) {
      if (upload.completed['token'] !== token) throw new StoreError('object-not-found', 'the upload was completed otherwise');
      return upload.completed;
    }
    const held = before.metadata[COMPLETING];
    const nowMs = this.#cluster.clock.nowMs();
    if (held !== undefined && nowMs - Number(held.split(' ')[0]) < COMPLETING_MS) throw new StoreError('conflict', 'the upload is being completed');
    const mine = `${nowMs} ${randomBytes(8).toString('hex')}`;
    await this.#note(record, held, { ...before.metadata, [COMPLETING]: mine });
    try {
      const answer = { ...((await written(upload)) ?? (await write(upload))), token };
      await this.#note(record, mine, { ...before.metadata, [CONTENT_TYPE]: COMPLETED_TYPE, [COMPLETED]: Buffer.from(JSON.stringify(answer)).toString('latin1') });
      return answer;
    } catch (error) {
      const { [COMPLETING]: _, ...open } = before.metadata;
      await this.#note(record, mine, open).catch(() => undefined);
      throw error;
    }
  }

  /** Writes the record again, where it is as we know it: whoever changes it, one at a time. */
  async #note(record: ObjectName, completing: string | undefined, { [ETAG]: _, ...metadata }: Metadata): Promise<void> {
    const condition: WriteCondition = (current) => {
      if (current === undefined) throw new StoreError('object-not-found', 'the upload was aborted');
      if (current.metadata[COMPLETING] !== completing || current.metadata[COMPLETED] !== undefined) throw new StoreError('conflict', 'the upload is being completed');
    };
    await this.#objects.put({ target: record, body: bodyOfBuffer(Buffer.alloc(0)), metadata: { [CONTENT_TYPE]: UPLOAD_TYPE, ...metadata }, condition });
  }

  /** Ends the parts that the completed object has not. */
  async endUnused(target: ObjectName, id: string, used: ReadonlySet<string>): Promise<void> {
    for await (const row of this.#rows(partsContainer(target), partsPrefix(target, id))) {
      if (!used.has(row.name)) await this.#objects.delete({ ...partsContainer(target), object: row.name }).catch(ifMissing);
    }
  }

  /** Ends an upload and its parts. Throws `object-not-found` where it is not there or was completed. */
  async abort(target: ObjectName, id: string): Promise<void> {
    const upload = await this.get(target, id);
    if (upload.completed !== undefined) throw new StoreError('object-not-found', 'the upload was completed');
    await this.#end(target, id);
  }

  /** An object is gone for good: ends the parts that it was made of, if an upload made it. */
  async release(target: ObjectName, metadata: Metadata): Promise<void> {
    const id = metadata[UPLOAD_ID];
    if (id !== undefined) await this.#end(target, id);
  }

  /** A container is gone: ends all that was kept beside it for its uploads. */
  async endContainer(name: ContainerName): Promise<void> {
    for (const place of [uploadsContainer(name), partsContainer(name)]) {
      for await (const row of this.#rows(place, '')) await this.#objects.delete({ ...place, object: row.name }).catch(ifMissing);
      await this.#containers.delete(place).catch((error: unknown) => {
        if (!isStoreError(error, 'container-not-found', 'container-not-empty')) throw error;
      });
    }
  }

  /** The record first: without it nobody adds parts. */
  async #end(target: ObjectName, id: string): Promise<void> {
    await this.#objects.delete(uploadName(target, id)).catch(ifMissing);
    await this.endUnused(target, id, new Set());
  }

  async *#rows(place: ContainerName, prefix: string): AsyncGenerator<ListingRow> {
    for (let marker = ''; ; ) {
      const page = await this.#containers.list(place, { limit: PAGE, marker, endMarker: '', prefix, delimiter: '', reverse: false }).catch((error: unknown) => {
        if (isStoreError(error, 'container-not-found')) return undefined;
        throw error;
      });
      for (const row of page?.entries ?? []) {
        if (isSubdirectory(row)) continue;
        marker = row.name;
        yield row;
      }
      if (page?.truncated !== true) return;
    }
  }

  async #prepare(place: ContainerName, policy: number): Promise<void> {
    try {
      await this.#containers.summary(place);
    } catch (error) {
      if (!isStoreError(error, 'container-not-found')) throw error;
      await this.#containers.put(place, { metadata: {}, policy: this.#cluster.policies.byIndex(policy) });
    }
  }
}

function uploadOf(id: string, info: ObjectInfo): Upload {
  const { metadata } = info;
  const kept = Object.entries(metadata).flatMap(([name, value]) => (name.startsWith('user:') ? [[name.slice('user:'.length), value] as const] : []));
  const completed = metadata[COMPLETED];
  return { id, startedAt: startOf(id), metadata: Object.fromEntries(kept), completed: completed === undefined ? undefined : (JSON.parse(Buffer.from(completed, 'latin1').toString()) as Metadata) };
}

/** Key and id of a row of `list`; undefined for what is none. */
export function uploadOfRow(row: ListingRow): { object: string; id: string; startedAt: Timestamp; label: string } | undefined {
  const [object, id] = reservedParts(row.name) ?? [];
  return object === undefined || id === undefined ? undefined : { object, id, startedAt: startOf(id), label: decodeURIComponent(/;by=(.*)$/.exec(row.contentType)?.[1] ?? '') };
}

/** An id begins with the time that the upload was begun at. */
function startOf(id: string): Timestamp {
  return Number(id.slice(0, 15)) as Timestamp;
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'object-not-found', 'container-not-found')) throw error;
  return undefined;
}
