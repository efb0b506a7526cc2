/** A process to kill: writes rows into the listings of a directory, sixteen at a time, and tells its parent of each once it is acknowledged. */
import type { Timestamp } from '#common';
import { databaseName, row } from '../arbitraries.ts';
import { openListingEngine } from './level-listing-engine.ts';

const [directory, round] = process.argv.slice(2);
const engine = await openListingEngine({ directory: directory! });
const database = databaseName('/acc/con');

async function write(writer: number): Promise<never> {
  for (let i = 0; ; i++) {
    const name = `${round}/${writer}/${i}`;
    await engine.merge({ database, rows: [row(name, 5)], createWith: { timestamp: 1 as Timestamp, policy: 0 } });
    process.send!(name);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, writer) => write(writer)));
