/** Where a name lives: keys and partitions, rings and their builder, storage policies, and the files they are kept in. */
export { describeDevice, NO_DEVICE, type RingDevice } from './device.ts';
export { asPartition, hashPath, MAX_PART_POWER, MIN_PART_POWER, partitionOf, type HashSalt, type Partition } from './hash-path.ts';
export { DEFAULT_POLICY, PolicySet, quorumSize, type Consistency, type StoragePolicy } from './policy.ts';
export { Ring, type Move, type RingData } from './ring.ts';
export { RingBuilder, type BuilderState, type RebalanceOptions, type RebalanceResult } from './builder.ts';
export { type DeviceChange, type NewDevice } from './device-changes.ts';
export { measureBalance, measureDispersion, type BalanceReport, type DeviceBalance, type DispersionReport, type TierDispersion } from './dispersion.ts';
export { loadBuilder, loadRing, saveBuilder, saveRing } from './ring-file.ts';
export { MAX_RING_BYTES, RingInbox, type RingVersions } from './ring-inbox.ts';
export { ringFileName, RingSet, type RingSetOptions } from './ring-set.ts';
export { RingWatcher, type RingWatcherEvents } from './ring-watcher.ts';
export { parseDeviceQuery, searchDevices, type DeviceQuery } from './search.ts';
