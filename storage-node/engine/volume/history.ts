/** What became of a key on this device, and when: from the frames of the volumes, and from the notes of what was quarantined. */
import type { HistoryEntry, Key } from '#storage-node/protocol';
import { sameLocation, textOf, type Entry } from './entry.ts';
import { RecordType } from './record.ts';
import { scanGroups, type ScannedRecord } from './scan.ts';
import type { Environment } from './settings.ts';
import { DATA_OFFSET } from './volume.ts';
import type { VolumeSet } from './volume-set.ts';

export interface HistoryOptions {
  readonly environment: Environment;
  readonly volumes: VolumeSet;
  readonly entry: Entry | undefined;
}

const EVENTS: Partial<Record<RecordType, HistoryEntry['event']>> = {
  [RecordType.put]: 'written',
  [RecordType.meta]: 'posted',
  [RecordType.delete]: 'deleted',
  [RecordType.forget]: 'forgotten',
  [RecordType.promise]: 'promised',
};

/** Walks all volumes: for people who look at one object. Records that compaction has dropped are no longer told of. */
export async function historyOf(key: Key, { environment, volumes, entry }: HistoryOptions): Promise<HistoryEntry[]> {
  const keyText = textOf(key);
  const found: HistoryEntry[] = [];
  const seen = new Set<string>();
  for (const volume of volumes.all()) {
    volume.acquire();
    try {
      for await (const { records, frame } of scanGroups(volume, DATA_OFFSET, { crc32: environment.crc32, sealed: true })) {
        for (const record of records) {
          if (textOf(record.head.key) !== keyText) continue;
          const id = `${record.head.type}/${record.head.timestamp}`;
          found.push({ ...entryOf(record, entry), atMs: frame?.writtenAtMs, again: seen.has(id) });
          seen.add(id);
        }
      }
    } finally {
      volume.release();
    }
  }
  return [...found, ...quarantineNotes(key, { environment, volumes })].sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0));
}

function entryOf({ head, location }: ScannedRecord, entry: Entry | undefined): Omit<HistoryEntry, 'atMs' | 'again'> {
  const inForce = sameLocation(entry?.data, location) || sameLocation(entry?.meta, location);
  const { timestamp, sizeBytes, conditional } = head;
  return { event: EVENTS[head.type] ?? 'unknown', timestamp, sizeBytes, conditional: conditional === true, inForce, place: `volume ${location.volume} at ${location.offset}`, reason: undefined };
}

function quarantineNotes(key: Key, { environment, volumes }: Pick<HistoryOptions, 'environment' | 'volumes'>): HistoryEntry[] {
  const { files } = environment;
  const prefix = `${key.toString('hex')}-`;
  return files.list(volumes.quarantineDirectory).filter((name) => name.startsWith(prefix) && name.endsWith('.json')).flatMap((name) => {
    const file = files.open(`${volumes.quarantineDirectory}/${name}`, 'read');
    try {
      const bytes = Buffer.alloc(file.sizeBytes());
      file.readSync(bytes, 0);
      const { reason, atMs, timestamp, sizeBytes } = JSON.parse(bytes.toString()) as { reason: string; atMs: number } & Pick<Entry, 'timestamp' | 'sizeBytes'>;
      return [{ event: 'quarantined' as const, timestamp, sizeBytes, conditional: false, inForce: false, place: name, reason, atMs, again: false }];
    } finally {
      file.close();
    }
  });
}
