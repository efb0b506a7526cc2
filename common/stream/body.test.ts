import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { isStoreError, type StoreErrorCode } from '../errors.ts';
import { bodyOfBuffer, bodyOfStream, type Body } from './body.ts';

function streamed(chunks: string[], declared?: number, maxBytes = 1000): Body {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return bodyOfStream(stream, declared, maxBytes);
}

async function drained(body: Body): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of body.chunks()) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

const refusal = (code: StoreErrorCode) => (error: unknown) => isStoreError(error, code);

test('a body reads the same collected and in chunks', async () => {
  assert.equal((await streamed(['ab', 'cd'], 4).collect(10)).toString(), 'abcd');
  assert.equal(await drained(streamed(['ab', 'cd'], 4)), 'abcd');
  assert.equal((await streamed([]).collect(10)).length, 0);
  assert.equal(await drained(bodyOfBuffer(Buffer.from('x'))), 'x');
});

test('a body shorter than declared is incomplete', async () => {
  await assert.rejects(streamed(['ab'], 4).collect(10), refusal('body-incomplete'));
  await assert.rejects(drained(streamed(['ab'], 4)), refusal('body-incomplete'));
});

test('a body longer than the limit is refused', async () => {
  await assert.rejects(streamed(['abcd']).collect(3), refusal('entity-too-large'));
  await assert.rejects(drained(streamed(['abcd'], undefined, 3)), refusal('entity-too-large'));
  await assert.rejects(bodyOfBuffer(Buffer.from('abcd')).collect(3), refusal('entity-too-large'));
});

test('a sender that goes away is a disconnected client', async () => {
  for (const read of [(body: Body) => body.collect(10), drained]) {
    const stream = new PassThrough();
    stream.write('ab');
    setImmediate(() => stream.destroy(new Error('reset')));
    await assert.rejects(read(bodyOfStream(stream, 4, 10)), refusal('client-disconnected'));
  }
});
