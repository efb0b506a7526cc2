/**
 * CRC-64/NVME (NVM Express command set specification; S3's default checksum), eight bytes a step. A value is two halves of 32
 * bits: numbers hold no 64, and BigInt is a hundred times slower.
 */

const REFLECTED_HIGH = 0x9a6c9329;
const REFLECTED_LOW = 0xac4bc9b5;
const { high: highs, low: lows } = buildTables();

function buildTables(): { high: Uint32Array; low: Uint32Array } {
  const high = new Uint32Array(8 * 256);
  const low = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let h = 0;
    let l = byte;
    for (let bit = 0; bit < 8; bit++) {
      const odd = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (odd) {
        h ^= REFLECTED_HIGH;
        l ^= REFLECTED_LOW;
      }
    }
    high[byte] = h;
    low[byte] = l;
  }
  for (let i = 256; i < high.length; i++) {
    const h = high[i - 256]!;
    const l = low[i - 256]!;
    high[i] = (h >>> 8) ^ high[l & 0xff]!;
    low[i] = ((l >>> 8) | (h << 24)) ^ low[l & 0xff]!;
  }
  return { high, low };
}

/** Collects a CRC over pieces. */
export class Crc64Nvme {
  #high = ~0;
  #low = ~0;

  update(bytes: Uint8Array): void {
    const H = highs;
    const L = lows;
    const end = bytes.length;
    const wide = end - 7;
    let high = this.#high;
    let low = this.#low;
    let i = 0;
    for (; i < wide; i += 8) {
      low ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      high ^= bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24);
      const a = 1792 + (low & 0xff), b = 1536 + ((low >>> 8) & 0xff), c = 1280 + ((low >>> 16) & 0xff), d = 1024 + (low >>> 24);
      const e = 768 + (high & 0xff), f = 512 + ((high >>> 8) & 0xff), g = 256 + ((high >>> 16) & 0xff), h = high >>> 24;
      low = L[a]! ^ L[b]! ^ L[c]! ^ L[d]! ^ L[e]! ^ L[f]! ^ L[g]! ^ L[h]!;
      high = H[a]! ^ H[b]! ^ H[c]! ^ H[d]! ^ H[e]! ^ H[f]! ^ H[g]! ^ H[h]!;
    }
    for (; i < end; i++) {
      const index = (low ^ bytes[i]!) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ L[index]!;
      high = (high >>> 8) ^ H[index]!;
    }
    this.#high = high;
    this.#low = low;
  }

  /** Eight bytes, big-endian. */
  digest(): Buffer {
    const digest = Buffer.allocUnsafe(8);
    digest.writeUInt32BE(~this.#high >>> 0, 0);
    digest.writeUInt32BE(~this.#low >>> 0, 4);
    return digest;
  }
}
