/** Snappy's raw format, in which LevelDB compresses blocks (google/snappy, format_description.txt): reading alone. */
import { varint } from './varint.ts';

/** Throws RangeError for what is none. */
export function unsnap(bytes: Buffer): Buffer {
  const [length, start] = varint(bytes, 0);
  let at = start;
  const plain = Buffer.allocUnsafe(Math.min(length, 64 << 20));
  let filled = 0;
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at++);
    if ((tag & 3) === 0) {
      let count = (tag >>> 2) + 1;
      if (count > 60) {
        const extra = count - 60;
        count = bytes.readUIntLE(at, extra) + 1;
        at += extra;
      }
      filled += bytes.copy(plain, filled, at, at + count);
      at += count;
      continue;
    }
    const kind = tag & 3;
    const count = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const distance = kind === 1 ? ((tag >>> 5) << 8) | bytes.readUInt8(at) : kind === 2 ? bytes.readUInt16LE(at) : bytes.readUInt32LE(at);
    at += kind === 1 ? 1 : kind === 2 ? 2 : 4;
    if (distance === 0 || distance > filled || filled + count > plain.length) throw new RangeError('a copy from outside');
    // Byte by byte: a copy may reach into what it makes.
    for (let i = 0; i < count; i++, filled++) plain[filled] = plain[filled - distance]!;
  }
  if (filled !== length) throw new RangeError(`${filled} of ${length} bytes`);
  return plain;
}
