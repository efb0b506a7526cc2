/**
 * The IndexStore on LevelDB (level 10, classic-level 3, LevelDB 1.20).
 *
 * Its own `sync: true` is no barrier: it syncs the current log only, and a log that was rotated out before its memtable
 * became a table has never been synced. So the barrier here syncs every `*.log` in the directory from outside. LevelDB
 * hands each batch to the kernel before it answers, and removes a log only after the table that replaces it is synced,
 * so that after this every earlier batch is in a synced log or in a synced table.
 */
import { Level } from 'level';
import { StoreError } from '#common';
import { codeOf, type Files } from '../files/files.ts';
import { damagedTables, markClosed, wasClosed } from './tables.ts';
import { IndexDamaged, type IndexChange, type IndexStore } from './index-store.ts';

export interface LevelIndexOptions {
  readonly directory: string;
  readonly files: Files;
  /** Bytes of LevelDB's block cache. */
  readonly cacheBytes?: number;
}

const PAGE_ENTRIES = 1000;
const WRITE_BUFFER_BYTES = 4 << 20;

/** Opens (or makes) the database. Throws `device-locked` where another process has it, IndexDamaged where it is damaged. */
export async function openLevelIndex({ directory, files, cacheBytes = 16 << 20 }: LevelIndexOptions): Promise<IndexStore> {
  files.makeDirectory(directory);
  if (!(await wasClosed(directory)) && (await damagedTables(directory)).length > 0) throw new IndexDamaged(`tables in ${directory} are damaged`);
  const level = new Level<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    cacheSize: cacheBytes,
    writeBufferSize: WRITE_BUFFER_BYTES,
    compression: false,
  });
  try {
    await level.open();
  } catch (error) {
    const { cause } = error as Error;
    if (codeOf(cause) === 'LEVEL_LOCKED') throw new StoreError('device-locked', `${directory} is held by another process`, { cause: error });
    if (codeOf(cause) === 'LEVEL_CORRUPTION') throw new IndexDamaged(`${directory} is damaged`, { cause: error });
    throw error;
  }
  let sound = true;
  return {
    get: (key) => level.getSync(key),
    batch: (changes: readonly IndexChange[]) => level.batch(changes as IndexChange[]),
    barrier: () => syncLogs(files, directory),
    async *range(from, to) {
      const iterator = level.iterator({ gte: from, lt: to });
      try {
        for (let page = await iterator.nextv(PAGE_ENTRIES); page.length > 0; page = await iterator.nextv(PAGE_ENTRIES)) yield page;
      } finally {
        await iterator.close();
      }
    },
    isSound: async () => (sound &&= (await damagedTables(directory)).length === 0),
    close: async () => {
      await level.close();
      // One that is not counts as left open: the next opening looks, and refuses it.
      if (sound) await markClosed(directory);
    },
  };
}

async function syncLogs(files: Files, directory: string): Promise<void> {
  for (const name of files.list(directory)) {
    if (!name.endsWith('.log')) continue;
    try {
      const log = files.open(`${directory}/${name}`, 'write');
      try {
        await log.sync();
      } finally {
        log.close();
      }
    } catch (error) {
      // Removed since it was listed: its memtable is a synced table now.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
  await files.syncDirectory(directory);
}
