import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { CHECKSUM_ALGORITHMS, checksumsOf, closeChecksumWorkers, createHasher, INLINE_BYTES } from './index.ts';

after(closeChecksumWorkers);

const hexOf = (text: string | Buffer): Record<string, string> =>
  Object.fromEntries(Object.entries(checksumsOf(CHECKSUM_ALGORITHMS, [Buffer.from(text)])).map(([name, digest]) => [name, digest.toString('hex')]));

test('known answers: the nine digits that every catalogue of checksums gives', () => {
  assert.deepEqual(hexOf('123456789'), {
    md5: '25f9e794323b453885f5181f1b624d0b',
    sha1: 'f7c3bc1d808e04732adf679965ccc34ca7ae3441',
    sha256: '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
    crc32: 'cbf43926',
    crc32c: 'e3069283',
    crc64nvme: 'ae8b14860a799888',
  });
});

test('known answers: nothing, 32 zeros, and 32 bytes that count up (RFC 3720, B.4)', () => {
  assert.deepEqual([hexOf('').crc32, hexOf('').crc32c, hexOf('').crc64nvme], ['00000000', '00000000', '0000000000000000']);
  assert.equal(hexOf(Buffer.alloc(32)).crc32c, '8a9136aa');
  assert.equal(hexOf(Buffer.alloc(32, 0xff)).crc32c, '62a8ab43');
  assert.equal(hexOf(Buffer.from(Array.from({ length: 32 }, (_, i) => i))).crc32c, '46dd794e');
  assert.equal(hexOf(Buffer.alloc(4096)).crc64nvme, '6482d367eb22b64e');
  assert.equal(hexOf(Buffer.alloc(4096, 0xff)).crc64nvme, 'c0ddba7302eca3ac');
});

test('the same bytes have the same checksums however they are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (pieces) => {
      const buffers = pieces.map((piece) => Buffer.from(piece));
      assert.deepEqual(checksumsOf(CHECKSUM_ALGORITHMS, buffers), checksumsOf(CHECKSUM_ALGORITHMS, [Buffer.concat(buffers)]));
    }),
  );
});

test('a body hashed in a worker has the checksums of one hashed here, whatever its size was said to be', async () => {
  for (const size of [0, 1000, INLINE_BYTES, INLINE_BYTES + 1, 5_000_000])
    for (const sizeHint of [undefined, 10, 10_000_000]) {
      const body = randomBytes(size);
      const hasher = createHasher({ algorithms: CHECKSUM_ALGORITHMS, sizeHint });
      for (let at = 0; at < size; at += 65_536) await hasher.update(body.subarray(at, at + 65_536));
      assert.deepEqual(await hasher.digest(), checksumsOf(CHECKSUM_ALGORITHMS, [body]), `${size} bytes, said to be ${sizeHint}`);
    }
});

test('a chunk stays whole and readable after it was handed over', async () => {
  const chunk = Buffer.from(randomBytes(300_000));
  const copy = Buffer.from(chunk);
  const hasher = createHasher({ algorithms: ['md5'], sizeHint: 1_000_000 });
  await hasher.update(chunk);
  assert.ok(chunk.equals(copy));
  await hasher.digest();
});

test('many bodies share the workers, and none mixes with another', async () => {
  const bodies = Array.from({ length: 100 }, () => randomBytes(300_000));
  const digests = await Promise.all(
    bodies.map(async (body) => {
      const hasher = createHasher({ algorithms: ['md5'], sizeHint: body.length });
      for (let at = 0; at < body.length; at += 50_000) await hasher.update(body.subarray(at, at + 50_000));
      return (await hasher.digest()).md5.toString('hex');
    }),
  );
  assert.deepEqual(digests, bodies.map((body) => createHash('md5').update(body).digest('hex')));
});

test('a sender faster than the worker is made to wait', async () => {
  const hasher = createHasher({ algorithms: ['md5'], sizeHint: 100 << 20 });
  const waits = [hasher.update(Buffer.alloc(1 << 20)), hasher.update(Buffer.alloc(1 << 20))];
  assert.ok(waits[0] === undefined && waits[1] instanceof Promise);
  await waits[1];
  await hasher.digest();
});

test('an abort ends a wait, harms nothing after the digest, and leaves the worker to others', async () => {
  const hasher = createHasher({ algorithms: ['md5'], sizeHint: 100 << 20 });
  const waiting = hasher.update(Buffer.alloc(8 << 20));
  hasher.abort();
  await assert.rejects(async () => waiting);
  await assert.rejects(async () => hasher.update(Buffer.alloc(1)));
  const other = createHasher({ algorithms: ['crc32'], sizeHint: 1 << 20 });
  await other.update(Buffer.from('123456789'));
  assert.equal((await other.digest()).crc32.toString('hex'), 'cbf43926');
  other.abort();
});

test('idle workers do not keep a process alive', async () => {
  const script = `
    import { createHasher } from '#common/checksum';
    const given = createHasher({ algorithms: ['md5'], sizeHint: 1e7 });
    await given.update(Buffer.alloc(3e6));
    given.abort();
    const hasher = createHasher({ algorithms: ['md5'], sizeHint: 1e7 });
    await hasher.update(Buffer.alloc(3e6));
    process.stdout.write((await hasher.digest()).md5.toString('hex'));
  `;
  const started = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, timeout: 15_000 });
  assert.equal(stdout, createHash('md5').update(Buffer.alloc(3e6)).digest('hex'));
  assert.ok(performance.now() - started < 8000, 'the process waited until its workers were idle for long');
});
