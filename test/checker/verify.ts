/**
 * The verdict between rounds, while nobody writes: every key that was touched is read back by GET and HEAD, every container
 * listed, and all three must say the same, which must be what the histories allow.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Seen } from './history.ts';
import { pathOf } from './load.ts';
import type { Key } from './namespace.ts';
import { find, type Found, type Reading } from './read.ts';

export interface Row {
  readonly name: string;
  readonly hash: string;
  readonly bytes: number;
  readonly content_type: string;
}

const READERS = 16;
const PATIENCE_MS = 15_000;
const PAGE_ROWS = 1000;

/** Verifies the keys that were touched, or all; answers those whose listing is still behind, as it may be after a write was cut. */
export async function verify(reading: Reading, which: 'touched' | 'all'): Promise<Key[]> {
  const { namespace, tally } = reading;
  await sleep(0);
  const keys = which === 'all' ? namespace.keys() : [...namespace.touched];
  const found = new Map<Key, Exclude<Found, 'unanswered'>>();
  const queue = [...keys];
  await Promise.all(
    Array.from({ length: READERS }, async () => {
      for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
        const got = await insist(reading, key, 'GET');
        const head = got && (await insist(reading, key, 'HEAD'));
        if (got === undefined || head === undefined) continue;
        if (got.sizeBytes !== head.sizeBytes && got.seen !== undefined) tally.fault(`HEAD of ${pathOf(key)} says ${head.sizeBytes} bytes, GET ${got.sizeBytes}`);
        found.set(key, got);
      }
    }),
  );
  const behind = await compareListings(reading, found);
  for (const key of keys) key.history.prune();
  namespace.touched.clear();
  for (const key of behind) namespace.touched.add(key);
  tally.count('keys verified', keys.length);
  return behind;
}

/** Reads until there is an answer: while a majority is up there must be one before long. */
async function insist(reading: Reading, key: Key, method: 'GET' | 'HEAD'): Promise<Exclude<Found, 'unanswered'> | undefined> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await find(reading, key, method);
    if (found !== 'unanswered') return found;
    if (Date.now() > deadline) {
      reading.tally.fault(`${method} of ${pathOf(key)} had no answer for ${PATIENCE_MS / 1000} s`);
      return undefined;
    }
    await sleep(100);
  }
}

async function compareListings(reading: Reading, found: ReadonlyMap<Key, Exclude<Found, 'unanswered'>>): Promise<Key[]> {
  const { namespace, tally } = reading;
  const behind: Key[] = [];
  for (const container of namespace.containers) {
    const rows = await list(reading, container);
    for (const name of rows.keys()) if (!namespace.has(container, name)) tally.fault(`/${container} lists ${JSON.stringify(name)}, which nobody ever wrote`);
    for (const [key, { seen, sizeBytes, contentType }] of found) {
      if (key.container !== container) continue;
      const row = rows.get(key.object);
      const difference = compare(row, seen, { sizeBytes, contentType });
      if (difference === undefined) continue;
      if (key.history.mayLag(seen)) behind.push(key);
      else tally.fault(`the listing of ${pathOf(key)} ${difference}`);
    }
  }
  await compareAccount(reading);
  if (behind.length > 0) tally.count('listings behind a write that was cut', behind.length);
  return behind;
}

function compare(row: Row | undefined, seen: Seen | undefined, { sizeBytes, contentType }: { sizeBytes: number; contentType: string }): string | undefined {
  if (seen === undefined) return row && `is there, though the object is gone`;
  if (row === undefined) return `is missing, though GET finds what ${seen.writtenBy} wrote`;
  if (row.hash === seen.md5 && row.bytes === sizeBytes && row.content_type === contentType) return undefined;
  return `says ${row.bytes} bytes, ${row.hash}, ${row.content_type}; GET says ${sizeBytes}, ${seen.md5}, ${contentType}`;
}

async function list(reading: Reading, container: string): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>();
  let marker = '';
  for (;;) {
    const page = await listPage(reading, `/${container}?format=json&limit=${PAGE_ROWS}&marker=${encodeURIComponent(marker)}`);
    for (const row of page as Row[]) {
      if (rows.has(row.name)) reading.tally.fault(`/${container} lists ${JSON.stringify(row.name)} twice`);
      rows.set(row.name, row);
    }
    reading.tally.count('rows listed', page.length);
    if (page.length < PAGE_ROWS) return rows;
    marker = (page as Row[]).at(-1)!.name;
  }
}

/** Every container whose creation was acknowledged is listed. */
async function compareAccount(reading: Reading): Promise<void> {
  const listed = new Set(((await listPage(reading, '?format=json')) as { name: string }[]).map(({ name }) => name));
  for (const name of reading.namespace.containers) if (!listed.has(name)) reading.tally.fault(`the account does not list the container ${name}`);
}

async function listPage({ servers, tally }: Reading, path: string): Promise<unknown[]> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await servers.ask({ method: 'GET', path }).catch(() => undefined);
    if (answer?.status === 200) return JSON.parse(answer.body.toString()) as unknown[];
    if (answer?.status === 204) return [];
    if (Date.now() > deadline) {
      tally.fault(`listing ${path} was answered ${answer?.status ?? 'nothing'} for ${PATIENCE_MS / 1000} s`);
      return [];
    }
    await sleep(100);
  }
}
