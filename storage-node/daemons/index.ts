/** What looks after the disks of a node, one pass at a time. */
export { auditor, type Auditable, type AuditorOptions } from './auditor.ts';
export { compactor, type Compactable, type CompactorOptions } from './compactor.ts';
export type { ClusterContext, ListingPlace, NodeAddress, NodeContext, ObjectPlace } from './context.ts';
export { containerUpdater, type ContainerUpdaterOptions } from './container-updater.ts';
export { databaseAuditor, type AuditableListings, type DatabaseAuditorOptions } from './database-auditor.ts';
export { databaseReplicator, type DatabaseReplicatorOptions } from './replicator/database-replicator.ts';
export { objectReplicator, type ObjectReplicatorOptions } from './replicator/object-replicator.ts';
export { objectUpdater, type ObjectUpdaterOptions } from './object-updater.ts';
export { reclaimer, type Reclaimable, type ReclaimerOptions } from './reclaimer.ts';
