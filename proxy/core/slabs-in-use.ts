/**
 * The slabs of one body that are on their way to its copies and its checksum. Some are out at once, so that the network, the checksum and the disks all
 * have work; each is given back for the next one when every copy has written it and it is hashed.
 */
import { giveSlab } from '#common/stream';
import type { ObjectWriter } from '#storage-node/protocol';

/** Slabs of a body that are out before the next is waited for: what the slowest copy may lag behind. */
const WINDOW = 4;

interface Receiver {
  readonly writer: ObjectWriter;
  readonly failed: unknown;
}

export class SlabsInUse {
  readonly #out: Promise<void>[] = [];

  /** Resolves when the next slab may come. `hashed` and `taken` are the checksum's answer and the copies' to this one. */
  async add(slab: Buffer, hashed: void | Promise<void>, taken: Promise<void>, receivers: readonly Receiver[]): Promise<void> {
    const over = Promise.all([hashed, taken.then(() => areDone(receivers))]).then(([, done]) => {
      if (done) giveSlab(slab);
    });
    // Failures of the checksum are met where it is awaited below, or by the digest.
    over.catch(() => undefined);
    this.#out.push(over);
    await taken;
    if (this.#out.length >= WINDOW) await this.#out.shift();
  }
}

/** Whether nobody holds what was given so far. A copy that failed may. */
async function areDone(receivers: readonly Receiver[]): Promise<boolean> {
  const written = await Promise.all(receivers.map(async ({ writer, failed }) => failed === undefined && (await writer.written?.()) === true));
  return written.every(Boolean);
}
