/** What an engine is opened from: its volumes, an index that may have to be made anew, and digests that may have to be counted again. */
import type { Timestamp } from '#common';
import { IndexDamaged, type IndexStore } from '../index-store/index-store.ts';
import { readCheckpoint } from './checkpoint.ts';
import { SliceDigests } from './digests.ts';
import type { EntryTable } from './entry-table.ts';
import type { Recovered } from './recovery.ts';
import type { Environment, VolumeSettings } from './settings.ts';
import { VolumeSet } from './volume-set.ts';

export interface VolumeEngineOptions {
  readonly environment: Environment;
  readonly settings: VolumeSettings;
  /** Of this policy on this device. */
  readonly directory: string;
  readonly quarantineDirectory: string;
  /** UUID of the device. */
  readonly device: string;
  /** When it was laid out: of what was in its place before, nothing is known here. */
  readonly bornAt: Timestamp;
}

/** The digests of the index, with those of the `touched` slices counted again; all of them where there are none to rely on. */
export async function openDigests(index: IndexStore, table: EntryTable, touched: ReadonlySet<number> | undefined): Promise<SliceDigests> {
  const digests = new SliceDigests();
  await digests.load(index);
  if (touched === undefined) await digests.recountAll(table);
  else await digests.recount(table, touched);
  return digests;
}

export async function openParts({ environment, directory }: VolumeEngineOptions, options: { directory: string; quarantineDirectory: string; device: string }): Promise<{ volumes: VolumeSet; index: IndexStore }> {
  const volumes = await VolumeSet.open(environment, { ...options, directory: `${directory}/vol` });
  const indexDirectory = `${directory}/index`;
  try {
    const index = await environment.openIndex(indexDirectory, { fresh: false });
    const position = readCheckpoint(index)?.position;
    const reached = position && volumes.get(position.volume);
    if (reached === undefined || position === undefined || position.offset <= reached.end) return { volumes, index };
    // The disk lost what it had said was safe. The volume is right about what is there; the index is not.
    await index.close();
    throw new IndexDamaged(`the index reaches to ${position.offset} of volume ${position.volume}, which ends at ${reached.end}`);
  } catch (error) {
    if (!(error instanceof IndexDamaged)) throw error;
    environment.report({ event: 'index-rebuilt', detail: { directory: indexDirectory, error: String(error) } });
    return { volumes, index: await environment.openIndex(indexDirectory, { fresh: true }) };
  }
}

/**
 * Makes what recovery found durable. The last group is written once more, the same bytes in the same place: a sync that failed in another
 * process has left pages that read well, count as clean, and are not on the disk.
 */
export async function makeDurable(volumes: VolumeSet, tail: Recovered['tail']): Promise<void> {
  if (tail !== undefined) {
    const bytes = Buffer.allocUnsafe(tail.to - tail.from);
    await tail.volume.file.read(bytes, tail.from);
    await tail.volume.file.write([bytes], tail.from);
  }
  await volumes.sync();
}
