/** Data on its way between replicas, held against the checksums that its first writer made. */
import { crc32 } from 'node:zlib';
import type { ShippedState } from '#storage-node/protocol';
import { blockCount, dataHolds } from './record.ts';

/** All of the data; undefined where it is damaged. */
export async function readVerified({ data, read, sizeBytes, blocks }: ShippedState): Promise<Buffer | undefined> {
  let whole = data;
  if (whole === undefined) {
    const chunks: Buffer[] = [];
    for await (const chunk of read()) chunks.push(chunk);
    whole = Buffer.concat(chunks);
  }
  return whole.length === sizeBytes && blocks.length === blockCount(sizeBytes) && dataHolds(whole, { blocks, crc32 }) ? whole : undefined;
}
