/**
 * Slabs: the memory that large bodies travel in. A megabyte each, filled once from what the network brings and then only
 * looked at: by a checksum worker (the memory is shared between threads) and by the disk (it begins on a page, as writes past
 * the page cache need). Whoever can tell that nobody looks any more gives a slab back; one that is not given back is garbage.
 */

export const SLAB_BYTES: number = 1 << 20;
const PAGE_BYTES = 4096;
/** New memory costs several times what filling it does, since the system zeroes it page by page; kept memory costs room. */
const MAX_FREE = 16;
const IDLE_MS = 5000;

let free: SharedArrayBuffer[] = [];
let lastUseMs = 0;
let shrinking: NodeJS.Timeout | undefined;

export function takeSlab(): Buffer {
  // The memory of a buffer that may grow is mapped by itself, and so begins on a page; that of others begins anywhere.
  const memory = free.pop() ?? new SharedArrayBuffer(SLAB_BYTES, { maxByteLength: SLAB_BYTES });
  return Buffer.from(memory, 0, SLAB_BYTES);
}

/** Nobody looks at the slab, or at a part of it, any more. */
export function giveSlab({ buffer }: Buffer): void {
  if (free.length >= MAX_FREE || !(buffer instanceof SharedArrayBuffer) || buffer.byteLength !== SLAB_BYTES) return;
  free.push(buffer);
  lastUseMs = performance.now();
  shrinking ??= setInterval(shrink, IDLE_MS).unref();
}

/** Forgets the free slabs when none was used for a while. */
function shrink(): void {
  if (performance.now() - lastUseMs < IDLE_MS) return;
  free = [];
  clearInterval(shrinking);
  shrinking = undefined;
}

/** Whether a disk can take `buffer` past the page cache: a guess from where its memory comes from, which the disk's own check confirms. */
export function beginsOnPage(buffer: Buffer): boolean {
  return isShared(buffer) && buffer.buffer.growable && buffer.byteOffset % PAGE_BYTES === 0;
}

/** Whether another thread can look at `buffer` where it is. */
export function isShared(buffer: Uint8Array): buffer is Uint8Array<SharedArrayBuffer> {
  return buffer.buffer instanceof SharedArrayBuffer;
}

/** The bytes of `source` in slabs, all full but the last. A slab is the receiver's. */
export async function* inSlabs(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let slab: Buffer | undefined;
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      slab ??= takeSlab();
      const copied = chunk.copy(slab, filled, at);
      at += copied;
      filled += copied;
      if (filled < SLAB_BYTES) continue;
      const full = slab;
      slab = undefined;
      filled = 0;
      yield full;
    }
  }
  if (slab !== undefined) yield slab.subarray(0, filled);
}
