/**
 * Containers that keep what is overwritten and deleted. Data are written once, to a reserved container; what is under the object's own
 * name is a link to the version in force. So a version never moves, reading costs one more look, and deleting is a marker and
 * the end of the link. Dialects say when a container does so, and how versions are shown.
 */
import { isStoreError, StoreError, type Timestamp } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { changedAt, type ObjectInfo } from '#storage-node/protocol';
import type { Cluster } from './cluster.ts';
import type { WriteCondition } from './condition.ts';
import type { ContainerName, Containers, ContainerSummary } from './containers.ts';
import { copyStored } from './copies.ts';
import { linkMetadata, linkOf, type Link } from './links.ts';
import { nullMark } from './listed.ts';
import { CONTENT_TYPE, DELETE_AT, ETAG, SYSTEM_PREFIX } from './metadata.ts';
import type { ObjectName, Objects, PutObject, Stored } from './objects.ts';
import { MANIFEST_BYTES, MANIFEST_ETAG } from './stored-manifest.ts';
import { parseVersionName, versionedContainer, versionsContainer, versionTarget } from './version-names.ts';

/** Container metadata: 'enabled' where versions are kept, 'suspended' where they were; undefined where they never were. */
export const VERSIONS = `${SYSTEM_PREFIX}versions`;

/** The type of a version that says that the object was deleted then; as Swift's listings show it. */
export const DELETE_MARKER_TYPE = 'application/x-deleted;swift_versions_deleted=1';

/** The version that a link in force leads to; undefined for any other object. */
export function versionOf(info: Pick<ObjectInfo, 'metadata'>): Timestamp | undefined {
  const link = linkOf(info.metadata);
  return link === undefined ? undefined : versionOfLink(link);
}

export function versionOfLink({ container, object }: Pick<Link, 'container' | 'object'>): Timestamp | undefined {
  return versionedContainer(container) === undefined ? undefined : parseVersionName(object)?.versionId;
}

export class Versions {
  readonly #cluster: Cluster;
  readonly #containers: Containers;
  readonly #objects: Objects;

  constructor(cluster: Cluster, containers: Containers, objects: Objects) {
    this.#cluster = cluster;
    this.#containers = containers;
    this.#objects = objects;
  }

  /** Makes sure that the container has where to keep versions: under the same policy. */
  async prepare(name: ContainerName, policy: number | undefined): Promise<void> {
    const place = versionsContainer(name);
    const there = await this.#containers.summary(place).catch((error: unknown) => {
      if (isStoreError(error, 'container-not-found')) return undefined;
      throw error;
    });
    if (there === undefined) await this.#containers.put(place, { metadata: {}, policy: policy === undefined ? undefined : this.#cluster.policies.byIndex(policy) });
  }

  /** A new version, which comes into force. What is in force and was never a version becomes one. */
  async put(request: PutObject, container: ContainerSummary): Promise<Stored & { versionId: Timestamp }> {
    const { target } = request;
    await this.prepare(target, container.policy);
    request.condition?.(await this.#objects.head(target).catch(ifMissing));
    await this.#keepCurrent(target);
    const versionId = this.#cluster.timestamps.now();
    // What expires is the object, not its versions.
    const { [DELETE_AT]: deleteAt, ...metadata } = request.metadata;
    const stored = await this.#objects.put({ ...request, target: versionTarget(target, versionId), metadata, condition: undefined });
    await this.#link(target, versionId, { ...stored, metadata: { ...metadata, [ETAG]: stored.etag } }, deleteAt, request.condition).catch(async (error: unknown) => {
      // It never came into force: it is no version.
      if (isStoreError(error, 'precondition-failed')) await this.#objects.delete(versionTarget(target, versionId)).catch(ifMissing);
      throw error;
    });
    return { ...stored, versionId };
  }

  /** Brings a version into force again. Throws `object-not-found`. */
  async restore(target: ObjectName, versionId: Timestamp, condition?: WriteCondition): Promise<Stored> {
    const info = await this.#objects.head(versionTarget(target, versionId));
    if (info.metadata[CONTENT_TYPE] === DELETE_MARKER_TYPE) throw new StoreError('object-not-found', 'the version marks a deletion');
    await this.#keepCurrent(target);
    const { timestamp } = await this.#link(target, versionId, info, undefined, condition);
    return { etag: info.metadata[ETAG] ?? '', sizeBytes: info.sizeBytes, timestamp };
  }

  /** Ends the object; a marker among its versions says when. `existed` says whether there was one in force. */
  async delete(target: ObjectName, container: ContainerSummary, { condition }: { condition?: WriteCondition | undefined } = {}): Promise<{ versionId: Timestamp; existed: boolean }> {
    await this.prepare(target, container.policy);
    condition?.(await this.#objects.head(target).catch(ifMissing));
    const existed = await this.#keepCurrent(target);
    const versionId = this.#cluster.timestamps.now();
    await this.#objects.put({ target: versionTarget(target, versionId), body: bodyOfBuffer(Buffer.alloc(0)), metadata: { [CONTENT_TYPE]: DELETE_MARKER_TYPE } });
    if (existed) await this.#objects.delete(target).catch(ifMissing);
    return { versionId, existed };
  }

  /** Ends one version for good, and the object with it where it is the one in force. Answers which is in force then. Throws `object-not-found`. */
  async deleteVersion(target: ObjectName, versionId: Timestamp): Promise<{ current: Timestamp | undefined }> {
    const info = await this.#objects.head(target).catch(ifMissing);
    let current = info === undefined ? undefined : versionOf(info);
    if (current === versionId) {
      // The link first: it must not lead nowhere.
      await this.#objects.delete(target).catch(ifMissing);
      current = undefined;
    }
    await this.#objects.delete(versionTarget(target, versionId));
    return { current };
  }

  /** Makes what is in force a version, unless it is a link to one. False where nothing is. */
  async #keepCurrent(target: ObjectName): Promise<boolean> {
    const info = await this.#objects.head(target).catch(ifMissing);
    if (info === undefined) return false;
    if (versionOf(info) !== undefined) return true;
    const versionId = changedAt(info);
    await copyStored(this.#objects, target, versionTarget(target, versionId), nullMark).catch(ifMissing);
    return true;
  }

  #link(target: ObjectName, versionId: Timestamp, version: Pick<ObjectInfo, 'metadata' | 'sizeBytes'>, deleteAt: string | undefined, condition: WriteCondition | undefined): Promise<Stored> {
    const { container, object } = versionTarget(target, versionId);
    const { metadata, sizeBytes } = version;
    const bytes = Number(metadata[MANIFEST_BYTES] ?? sizeBytes);
    const link = linkMetadata(target.account, { account: undefined, container, object, etag: metadata[ETAG], bytes }, metadata[MANIFEST_ETAG]);
    const own = { [CONTENT_TYPE]: metadata[CONTENT_TYPE] ?? '', ...(deleteAt === undefined ? {} : { [DELETE_AT]: deleteAt }) };
    return this.#objects.put({ target, body: bodyOfBuffer(Buffer.alloc(0)), metadata: { ...own, ...link }, condition });
  }
}

function ifMissing(error: unknown): undefined {
  if (!isStoreError(error, 'object-not-found')) throw error;
  return undefined;
}
