import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '#common';
import { bunzip } from './bunzip.ts';

// Made by bzip2: a line of text, and twenty million zeros.
const HELLO = Buffer.from('QlpoOTFBWSZTWbEj3kMAAANZgAAQQAQQABJkwBAgADEDQNAgAaaRA6tsgoT4u5IpwoSFiR7yGA==', 'base64');
const ZEROS = Buffer.from('QlpoOTFBWSZTWb/Kr8QAmS/CAMAAAAgACCAAMMwFKaaqkRRsAoijxdyRThQkL/Kr8QA=', 'base64');

/** In pieces of the size, so that the decoder waits for each. */
async function* pieces(data: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

const decompress = async (data: Buffer, size = 7): Promise<string> => Buffer.concat(await Array.fromAsync(bunzip(pieces(data, size)))).toString();

test('bzip2 comes through, in streams of one part and of several', async () => {
  assert.equal(await decompress(HELLO), 'hello, bzip2\n');
  assert.equal(await decompress(Buffer.concat([HELLO, HELLO])), 'hello, bzip2\nhello, bzip2\n');
});

test('a reader that leaves ends the worker; megabytes that it did not take were not made', async () => {
  let length = 0;
  for await (const chunk of bunzip(pieces(ZEROS, 1000))) {
    length += chunk.length;
    break;
  }
  assert.ok(length > 0 && length <= 256 << 10);
});

test('what is no bzip2, or is damaged or cut, is refused', async () => {
  const damaged = Buffer.from(HELLO);
  damaged[30]! ^= 0xff;
  for (const data of [Buffer.from('plain text'), damaged, HELLO.subarray(0, 20)]) {
    await assert.rejects(decompress(data), (error) => isStoreError(error, 'bad-request'));
  }
});

test('a fault of the source is the reader’s', async () => {
  const source = async function* (): AsyncGenerator<Buffer> {
    yield HELLO.subarray(0, 10);
    throw new RangeError('the source broke');
  };
  await assert.rejects(Array.fromAsync(bunzip(source())), RangeError);
});
