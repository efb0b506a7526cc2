/** What a volume engine is given: the world through ports, and its limits. */
import type { Clock } from '#common';
import type { Files } from '../files/files.ts';
import type { Random } from '../files/random.ts';
import { DEFAULT_GATHER, type Gatherer, type GatherSettings } from '../gatherer.ts';
import type { IndexStore } from '../index-store/index-store.ts';
import type { Checksum } from './record.ts';

export interface Environment {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly crc32: Checksum;
  /** Closes the groups of all devices of the process. */
  readonly gatherer: Gatherer;
  /** Opens the index that lives in `directory`; deletes what is there first where `fresh`. */
  readonly openIndex: (directory: string, options: { fresh: boolean }) => Promise<IndexStore>;
  /** Hears what an operator should: damage, poisoned volumes, fences. */
  readonly report: (event: EngineEvent) => void;
}

export interface EngineEvent {
  readonly event: 'recovered' | 'damage' | 'index-rebuilt' | 'volume-poisoned' | 'device-fenced' | 'device-full' | 'quarantined' | 'flush-failed' | 'orphan-removed';
  readonly detail: Readonly<Record<string, string | number | boolean>>;
}

export interface VolumeSettings extends GatherSettings {
  /** A volume this long is closed and the next begun. */
  readonly volumeBytes: number;
  /** Objects longer than this get a file of their own. */
  readonly bigBytes: number;
  /** Bounds of one group: bytes and writes. */
  readonly groupBytes: number;
  readonly groupWrites: number;
  /** Groups up to this long are written synchronously: copying to the page cache costs less than a hand-off to a thread. */
  readonly syncWriteBytes: number;
  /** Data up to this long is read synchronously with its head, when opened. */
  readonly inlineReadBytes: number;
  /** A checkpoint is written after so many bytes of volume. */
  readonly checkpointBytes: number;
  /** Changes that wait in memory before they are handed to the index. */
  readonly flushEntries: number;
  /** Bytes that big objects may have in memory on their way to the disk, each. */
  readonly writeBehindBytes: number;
  /** So many write or sync errors within `faultWindowMs` fence the device. */
  readonly faultLimit: number;
  readonly faultWindowMs: number;
  /** Tombstones younger than this are kept. */
  readonly reclaimAgeMs: number;
  /** Older ones are kept as well until a replicator has seen that all primaries hold them. */
  readonly reclaimAgreed: boolean;
  /** Compaction copies at most (this - 1) bytes for each byte written by clients. */
  readonly writeAmplification: number;
  /** Volumes with a smaller share of garbage are left alone. */
  readonly minGarbage: number;
  /** Puts are refused when the file system has less than this free: room for tombstones and compaction. */
  readonly reserveBytes: number;
}

export const DEFAULT_SETTINGS: VolumeSettings = {
  volumeBytes: 256 << 20,
  bigBytes: 1 << 20,
  groupBytes: 4 << 20,
  groupWrites: 512,
  ...DEFAULT_GATHER,
  syncWriteBytes: 256 << 10,
  inlineReadBytes: 128 << 10,
  checkpointBytes: 64 << 20,
  flushEntries: 8192,
  writeBehindBytes: 4 << 20,
  faultLimit: 3,
  faultWindowMs: 3_600_000,
  reclaimAgeMs: 7 * 86_400_000,
  reclaimAgreed: false,
  writeAmplification: 1.3,
  minGarbage: 0.2,
  reserveBytes: 256 << 20,
};
