/**
 * Versions that S3 calls `null`: what was written before a container kept versions, or while it was told not to. There is at most one of an
 * object. While it is in force it is the object itself; overwritten by a version it is kept among the versions with a mark, and what is
 * written next without versions takes its place. Here too is what S3 does when the version in force is deleted: the one before comes back.
 */
import { isStoreError, StoreError, type Timestamp } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { isSubdirectory } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import { ifAbsent, type WriteCondition } from './condition.ts';
import type { Containers, ContainerSummary } from './containers.ts';
import { nullMark, parseListed } from './listed.ts';
import { CONTENT_TYPE, ETAG } from './metadata.ts';
import type { ObjectName, Objects, PutObject, Stored } from './objects.ts';
import { parseVersionName, VERSION_NAMES, versionsContainer, versionTarget } from './version-names.ts';
import { DELETE_MARKER_TYPE, versionOf, type Versions } from './versions.ts';

const PAGE = 1000;
const SETTLING_ATTEMPTS = 20;

export class NullVersions {
  readonly #cluster: Cluster;
  readonly #containers: Containers;
  readonly #objects: Objects;
  readonly #versions: Versions;

  constructor(parts: { cluster: Cluster; containers: Containers; objects: Objects; versions: Versions }) {
    this.#cluster = parts.cluster;
    this.#containers = parts.containers;
    this.#objects = parts.objects;
    this.#versions = parts.versions;
  }

  /** Which version the kept null version is; undefined where none is kept. */
  async find(target: ObjectName): Promise<Timestamp | undefined> {
    for await (const { versionId, isNull } of this.kept(target)) if (isNull) return versionId;
    return undefined;
  }

  /** Writes the null version: it comes into force, and takes the place of the one before. */
  async put(request: PutObject, _container: ContainerSummary): Promise<Stored> {
    const stored = await this.#objects.put(request);
    await this.#endKept(request.target, undefined);
    return stored;
  }

  /** Ends the object; a marker takes the place of the null version. */
  async delete(target: ObjectName, container: ContainerSummary, { condition }: { condition?: WriteCondition | undefined } = {}): Promise<void> {
    await this.#versions.prepare(target, container.policy);
    condition?.(await this.#objects.head(target).catch(ifMissing));
    const versionId = this.#cluster.timestamps.now();
    const own = { [CONTENT_TYPE]: DELETE_MARKER_TYPE };
    const mark = nullMark({ [ETAG]: 'd41d8cd98f00b204e9800998ecf8427e' });
    await this.#objects.put({ target: versionTarget(target, versionId), body: bodyOfBuffer(Buffer.alloc(0)), metadata: { ...own, ...mark } });
    await this.#objects.delete(target).catch(ifMissing);
    await this.#endKept(target, versionId);
  }

  /** Ends a version for good. Where it was in force the newest of the others comes back, unless that marks a deletion. Harmless where it is gone. */
  async end(target: ObjectName, versionId: Timestamp): Promise<void> {
    await this.#versions.deleteVersion(target, versionId).catch(ifMissing);
    await this.settle(target);
  }

  /**
   * Sees to it that what is in force is a version that is there. Versions may be ended by many at once: whoever ends one looks afterwards
   * whether it was brought into force meanwhile, and whoever brings one into force whether it was ended, so that one of them sees it.
   */
  async settle(target: ObjectName): Promise<void> {
    for (let attempt = 0; attempt < SETTLING_ATTEMPTS; attempt++) {
      const info = await this.#objects.head(target).catch(ifMissing);
      if (info === undefined) {
        const newest = await this.newest(target);
        if (newest === undefined || newest.isMarker) return;
        await this.#versions.restore(target, newest.versionId, ifAbsent).catch(ifOvertaken);
        continue;
      }
      const versionId = versionOf(info);
      if (versionId === undefined || (await this.#objects.head(versionTarget(target, versionId)).catch(ifMissing)) !== undefined) return;
      const condition: WriteCondition = (current) => {
        if (current === undefined || versionOf(current) !== versionId) throw new StoreError('precondition-failed', 'another version is in force by now');
      };
      await this.#objects.delete(target, { condition }).catch(ifOvertaken);
    }
  }

  /** The newest version that is kept; undefined where there is none. */
  async newest(target: ObjectName): Promise<KeptVersion | undefined> {
    for await (const version of this.kept(target)) return version;
    return undefined;
  }

  async #endKept(target: ObjectName, but: Timestamp | undefined): Promise<void> {
    for await (const { versionId, isNull } of this.kept(target)) {
      if (isNull && versionId !== but) await this.#objects.delete(versionTarget(target, versionId)).catch(ifMissing);
    }
  }

  /** The versions of an object, newest first. */
  async *kept(target: ObjectName): AsyncGenerator<KeptVersion> {
    const place = versionsContainer(target);
    for (let marker = ''; ; ) {
      const page = await this.#containers.list(place, { limit: PAGE, marker, endMarker: '', prefix: VERSION_NAMES.before(target.object), delimiter: '', reverse: false }).catch((error: unknown) => {
        if (isStoreError(error, 'container-not-found')) return undefined;
        throw error;
      });
      for (const row of page?.entries ?? []) {
        if (isSubdirectory(row)) continue;
        marker = row.name;
        const name = parseVersionName(row.name);
        if (name?.object === target.object) yield { versionId: name.versionId, isNull: parseListed(row.etag).isNull, isMarker: row.contentType === DELETE_MARKER_TYPE };
      }
      if (page?.truncated !== true) return;
    }
  }
}

export interface KeptVersion {
  readonly versionId: Timestamp;
  readonly isNull: boolean;
  readonly isMarker: boolean;
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'object-not-found', 'container-not-found')) throw error;
  return undefined;
}

function ifOvertaken(error: unknown): undefined {
  if (!isStoreError(error, 'object-not-found', 'container-not-found', 'precondition-failed', 'conflict')) throw error;
  return undefined;
}
