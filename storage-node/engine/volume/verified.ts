/** Data on its way between replicas, held against the checksums that its first writer made. */
import { crc32 } from 'node:zlib';
import { StoreError } from '#common';
import type { ShippedState } from '#storage-node/protocol';
import { BLOCK_BYTES, blockCount } from './record.ts';

/** The data of a state as it comes; throws `corrupt` where a block is not what its CRC says, at the latest at the end. */
export async function* streamVerified({ sizeBytes, blocks, read }: ShippedState): AsyncGenerator<Buffer, void, undefined> {
  if (blocks.length !== blockCount(sizeBytes)) throw new StoreError('corrupt', 'a state without its checksums');
  let block = 0;
  let crc = 0;
  let blockBytes = 0;
  let bytes = 0;
  for await (const chunk of read()) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + BLOCK_BYTES - blockBytes);
      crc = crc32(part, crc);
      blockBytes += part.length;
      at += part.length;
      if (blockBytes < BLOCK_BYTES) continue;
      if (crc !== blocks[block++]) throw new StoreError('corrupt', 'a block was damaged on its way');
      crc = 0;
      blockBytes = 0;
    }
    bytes += chunk.length;
    yield chunk;
  }
  const complete = bytes === sizeBytes && (blockBytes === 0 || crc === blocks[block]);
  if (!complete) throw new StoreError('corrupt', 'a block was damaged on its way');
}

/** All of the data in memory of its own; undefined where it is damaged. */
export async function readVerified(state: ShippedState): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of streamVerified(state)) chunks.push(chunk);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'corrupt') return undefined;
    throw error;
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
