/**
 * Bodies of the wire: JSON where that is all there is, frames where bytes go with it. A frame is one byte of type, four of
 * length (big-endian), and that many bytes. A body that ends inside a frame, or without its last one, was broken off.
 */
import { StoreError } from '#common';

export const FRAME_HEADER_BYTES = 5;
/** A longer frame is refused: both sides cut data smaller. */
export const MAX_FRAME_BYTES = 16 << 20;

/** `head`: JSON that says what follows. `data`: bytes of an object. `commit`: JSON metadata that ends a write. */
export type FrameType = 'head' | 'data' | 'commit';
const TYPE_BYTES: Record<FrameType, number> = { head: 0x48, data: 0x44, commit: 0x43 };

export interface Frame {
  readonly type: FrameType;
  /** Pieces as they came: data is passed on without being joined. */
  readonly pieces: readonly Buffer[];
}

export function frameHeader(type: FrameType, length: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header[0] = TYPE_BYTES[type];
  header.writeUInt32BE(length, 1);
  return header;
}

/** A frame of JSON, header and all. */
export function jsonFrame(type: FrameType, value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  return Buffer.concat([frameHeader(type, json.length), json]);
}

export function parseJsonFrame(frame: Frame): unknown {
  return parseJson(Buffer.concat(frame.pieces));
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new StoreError('bad-request', 'a body that is not JSON', { cause });
  }
}

/** Cuts a stream of bytes into frames. Data frames come as soon as each piece is there, in pieces; others whole. */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame, void, undefined> {
  let buffered: Buffer = Buffer.alloc(0);
  let dataLeft = 0;
  for await (const chunk of source) {
    let rest = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    for (;;) {
      if (dataLeft > 0 && rest.length > 0) {
        const piece = rest.subarray(0, dataLeft);
        dataLeft -= piece.length;
        rest = rest.subarray(piece.length);
        yield { type: 'data', pieces: [piece] };
      }
      const header = dataLeft > 0 ? undefined : parseHeader(rest);
      if (!header) break;
      if (header.type === 'data') {
        dataLeft = header.length;
        rest = rest.subarray(FRAME_HEADER_BYTES);
      } else {
        const end = FRAME_HEADER_BYTES + header.length;
        if (rest.length < end) break;
        yield { type: header.type, pieces: [rest.subarray(FRAME_HEADER_BYTES, end)] };
        rest = rest.subarray(end);
      }
    }
    buffered = rest;
  }
  if (buffered.length > 0 || dataLeft > 0) throw new StoreError('body-incomplete', 'the body ends inside a frame');
}

function parseHeader(bytes: Buffer): { type: FrameType; length: number } | undefined {
  if (bytes.length < FRAME_HEADER_BYTES) return undefined;
  const type = (Object.keys(TYPE_BYTES) as FrameType[]).find((name) => TYPE_BYTES[name] === bytes[0]);
  const length = bytes.readUInt32BE(1);
  if (type === undefined || length > MAX_FRAME_BYTES) throw new StoreError('bad-request', 'not a frame');
  return { type, length };
}
