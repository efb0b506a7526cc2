/** LevelDB's and Snappy's variable-length numbers: seven bits a byte, the lowest first. Throws RangeError past the end. */
export function varint(bytes: Buffer, at: number): [value: number, end: number] {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes.readUInt8(at++);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at];
  }
}
