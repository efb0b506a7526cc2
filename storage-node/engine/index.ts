/** What keeps objects and listings on one device: engines behind the ports of storage-node/protocol. */
export { openDevice, type Device, type DeviceOptions } from './device/device.ts';
export type { AuditStep } from './volume/audit.ts';
export type { Compacted } from './volume/compaction.ts';
export { Gatherer } from './gatherer.ts';
export type { EngineEvent, VolumeSettings } from './volume/settings.ts';
export type { VolumeEngine } from './volume/volume-engine.ts';
export { MemoryObjectEngine } from './memory/memory-engine.ts';
export { MemoryListingEngine } from './listing/memory.ts';
export { LevelListingEngine, openListingEngine, type ListingEngineOptions } from './listing/level/level-listing-engine.ts';
export { timelyListings, timelyObjects, type Gate, type TimelyOptions } from './timely.ts';
export { checkDevice, repairDevice, type DeviceCheck, type DeviceRepair } from './device/check.ts';
