/** The entries of a tar archive as it streams by (tar-stream reads it); each must be read, or drained, before the next comes. */
import type { Writable } from 'node:stream';
import { extract, type Header } from 'tar-stream';

/** Names are bytes, one a character, unless a pax header says them. */
export interface ArchiveHeader extends Omit<Header, 'pax'> {
  /** Extended attributes among them; as text, read as UTF-8. */
  readonly pax?: Readonly<Record<string, string>> | null;
}

export interface ArchiveEntry extends AsyncIterable<Buffer> {
  readonly header: ArchiveHeader;
}

/** Throws what is wrong with the archive, or with the source. */
export async function* tarEntries(archive: AsyncIterable<Buffer>): AsyncGenerator<ArchiveEntry> {
  const reader = extract({ filenameEncoding: 'latin1' } as object) as unknown as Writable & AsyncIterable<ArchiveEntry>;
  // What it says of a fault comes out of the iteration.
  reader.on('error', () => undefined);
  const feeding = feed(archive, reader);
  feeding.catch((error: unknown) => reader.destroy(error as Error));
  try {
    yield* reader;
    await feeding;
  } finally {
    reader.destroy();
    await feeding.catch(() => undefined);
  }
}

async function feed(archive: AsyncIterable<Buffer>, reader: Writable): Promise<void> {
  for await (const chunk of archive) {
    if (reader.destroyed) return;
    if (!reader.write(chunk)) await drained(reader);
  }
  reader.end();
}

function drained(reader: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      reader.off('drain', done).off('close', done);
      resolve();
    };
    reader.on('drain', done).on('close', done);
  });
}

export async function drain(entry: ArchiveEntry): Promise<void> {
  for await (const _ of entry);
}
