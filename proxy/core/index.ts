/** The object store: one set of operations that both dialects call. */
import { Accounts } from './accounts.ts';
import { Agenda } from './agenda.ts';
import { Closing } from './closing.ts';
import { Buckets } from './buckets.ts';
import type { Cluster } from './cluster.ts';
import { Containers } from './containers.ts';
import { Deleting } from './deleting.ts';
import { Encryption } from './encryption/index.ts';
import { Expiring } from './expiring.ts';
import { Jottings } from './jottings.ts';
import type { Misplaced } from './misplaced.ts';
import { NullVersions } from './null-versions.ts';
import { Objects, type ObjectName } from './objects.ts';
import { explain, type Explanation } from './explain.ts';
import { Placements } from './placement.ts';
import { Uploads } from './uploads.ts';
import { Versions } from './versions.ts';
import { whereabouts, type Whereabouts } from './where.ts';
import { Witnesses } from './witnesses.ts';

export type { AccountSummary } from './accounts.ts';
export { askedExpiry } from './asked-expiry.ts';
export type { Agenda, AgendaItem } from './agenda.ts';
export type { Closing } from './closing.ts';
export type { BucketClaim, Buckets } from './buckets.ts';
export type { Cluster, ClusterRings } from './cluster.ts';
export { ifAbsent, type WriteCondition } from './condition.ts';
export type { ContainerName, ContainerSummary } from './containers.ts';
export { liveMetadata, metadataValue } from './databases.ts';
export { copyStored } from './copies.ts';
export { doomedObject } from './deleting.ts';
export { ClientKey, Encryption, encryptionOf, LocalKeys, RootSecrets, type BodyEncryption, type Keymaster, type WrappedKey } from './encryption/index.ts';
export { DYNAMIC, dynamicParts, measureDynamic, parseDynamic } from './dynamic-manifest.ts';
export { expiringObject } from './expiring.ts';
export { listedEtag, NULL_VERSION, parseListed, type Listed, type ListedLink } from './listed.ts';
export { LINK_TARGET, linkMetadata, linkOf, MD5_OF_NOTHING, type Link } from './links.ts';
export * from './manifest.ts';
export * from './metadata.ts';
export * from './stored-manifest.ts';
export { INLINE_BODY_BYTES, type ObjectName, type PutObject, type Stored } from './objects.ts';
export type { Explanation } from './explain.ts';
export { seal, unseal } from './encryption/index.ts';
export { isReserved, reservedName, reservedParts } from './reserved.ts';
export { collectReceipts, type ObjectReceipt, type Receipts } from './receipts.ts';
export type { OpenObject } from './resumable-object.ts';
export { NullVersions, type KeptVersion } from './null-versions.ts';
export { owns, type KeyHolder, type Principal } from './principal.ts';
export { partNumberOf, partsContainer, type UploadPart } from './upload-names.ts';
export { COMPLETED_TYPE, UPLOAD_ID, UPLOAD_TYPE, uploadOfRow, Uploads, type Upload } from './uploads.ts';
export { listVersions, type VersionEntry, type VersionsPage, type VersionsQuery } from './version-list.ts';
export { versionedContainer, versionsContainer, versionTarget } from './version-names.ts';
export { DELETE_MARKER_TYPE, VERSIONS, versionOf, versionOfLink } from './versions.ts';
export type { Holding, Whereabouts } from './where.ts';
export type { Happening, Witness, Witnesses } from './witnesses.ts';

/** All operations on one cluster. */
export interface Store {
  readonly accounts: Accounts;
  readonly containers: Containers;
  readonly objects: Objects;
  readonly versions: Versions;
  /** Objects whose time comes. */
  readonly expiring: Expiring;
  /** Objects that are deleted after the answer. */
  readonly deleting: Deleting;
  /** Accounts that are taken down. */
  readonly closing: Closing;
  /** Objects that were written under another storage policy than their container has. */
  readonly misplaced: Misplaced;
  readonly nullVersions: NullVersions;
  readonly uploads: Uploads;
  /** Container names that are unique in the cluster. */
  readonly buckets: Buckets;
  /** `account/container` of each container that is synced to another cluster, all at second 0. */
  readonly syncing: Agenda;
  /** What others are to be told of, until they have been. */
  readonly telling: Agenda;
  /** Who hears of every write to an object. */
  readonly witnesses: Witnesses;
  readonly jottings: Jottings;
  readonly encryption: Encryption;
  readonly cluster: Cluster;
  /** Does what was left for a moment later. To be called when no operation is under way. */
  close(): Promise<void>;
  /** Why an object is as it is. Throws `container-not-found`. */
  explain(name: ObjectName): Promise<Explanation>;
  /** What each device holds of a name. */
  where(name: { account: string; container?: string | undefined; object?: string | undefined }): Promise<Whereabouts>;
}

export function openStore(cluster: Cluster): Store {
  const placements = new Placements(cluster);
  const accounts = new Accounts(cluster, placements);
  const encryption = cluster.encryption ?? new Encryption({});
  const containers = new Containers(cluster, placements, accounts, encryption);
  const agendaParts = { accounts, containers, timestamps: cluster.timestamps };
  const expiring = new Expiring('expiring', agendaParts);
  const witnesses = new Witnesses();
  const objects = new Objects(cluster, { placements, containers, encryption, expiring, witnesses, misplacedAgenda: new Agenda('misplaced', agendaParts) });
  const versions = new Versions(cluster, containers, objects);
  return {
    accounts,
    containers,
    objects,
    expiring,
    deleting: new Deleting('deleting', agendaParts),
    encryption,
    syncing: new Agenda('syncing', agendaParts),
    telling: new Agenda('telling', agendaParts),
    witnesses,
    jottings: new Jottings(containers, cluster.timestamps),
    closing: new Closing(cluster, { agenda: new Agenda('closing', agendaParts), accounts, containers }),
    misplaced: objects.misplaced,
    versions,
    nullVersions: new NullVersions({ cluster, containers, objects, versions }),
    uploads: new Uploads(cluster, containers, objects),
    buckets: new Buckets(cluster, containers, objects),
    cluster,
    close: () => containers.close(),
    explain: (name) => explain({ cluster, placements, containers }, name),
    where: (name) => whereabouts({ placements, containers }, name),
  };
}
