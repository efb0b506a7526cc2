import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '#common';
import type { ObjectName } from './index.ts';
import { readParts, type OpenSegment, type Part } from './manifest.ts';

/** Segments `s0`, `s1`... of ten bytes each; notes what is opened and closed. */
function segments(count: number): { parts: Part[]; opened: string[]; closed: string[]; open: (target: ObjectName) => Promise<OpenSegment> } {
  const opened: string[] = [];
  const closed: string[] = [];
  const parts = Array.from({ length: count }, (_, i): Part => ({ target: { account: 'a', container: 'c', object: `s${i}` }, start: 0, end: 10, etag: `e${i}`, sizeBytes: 10 }));
  const open = async ({ object }: ObjectName): Promise<OpenSegment> => {
    opened.push(object);
    const data = Buffer.alloc(10, object.slice(1));
    const read = async function* (start: number, end: number): AsyncGenerator<Buffer> {
      yield data.subarray(start, end);
    };
    return { etag: `e${object.slice(1)}`, sizeBytes: 10, data: undefined, read, [Symbol.asyncDispose]: async () => void closed.push(object) };
  };
  return { parts, opened, closed, open };
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString();
}

test('parts are laid end to end, those in the manifest among those of objects', async () => {
  const { parts, open } = segments(3);
  const all: Part[] = [parts[0]!, { data: Buffer.from('<data>') }, { ...parts[1]!, start: 2, end: 5 }, parts[2]!];
  assert.equal(await textOf(readParts(all, 0, 29, open)), `${'0'.repeat(10)}<data>111${'2'.repeat(10)}`);
  assert.equal(await textOf(readParts(all, 8, 20, open)), '00<data>1112');
});

test('a range in the middle opens the segments that it needs, and closes them', async () => {
  const { parts, opened, closed, open } = segments(1000);
  // The last five bytes of `5005005005`, the first five of `5015015015`.
  assert.equal(await textOf(readParts(parts, 5005, 5015, open)), '05005' + '50150');
  assert.deepEqual(opened, ['s500', 's501']);
  assert.deepEqual(closed.sort(), ['s500', 's501']);
});

test('no more than a few segments are opened before their turn, and a reader that leaves closes them all', async () => {
  const { parts, opened, closed, open } = segments(100);
  for await (const _ of readParts(parts, 0, 1000, open)) break;
  assert.ok(opened.length <= 3, opened.join());
  assert.deepEqual(closed.sort(), opened.sort());
});

test('a segment that is no longer what the manifest says is a conflict, and what was opened is closed', async () => {
  for (const change of [{ etag: 'another' }, { sizeBytes: 11 }]) {
    const { parts, opened, closed, open } = segments(3);
    parts[1] = { ...parts[1]!, ...change };
    await assert.rejects(textOf(readParts(parts, 0, 30, open)), (error) => isStoreError(error, 'conflict'));
    assert.deepEqual(closed.sort(), opened.sort());
  }
});

test('parts may come one by one, and no more are asked for than are read', async () => {
  const { parts, open } = segments(10);
  let asked = 0;
  const source = async function* (): AsyncGenerator<Part> {
    for (const part of parts) {
      asked++;
      yield part;
    }
  };
  assert.equal(await textOf(readParts(source(), 0, 15, open)), `${'0'.repeat(10)}11111`);
  assert.equal(asked, 2);
});
