/**
 * States between replicas on the wire. Lists of states are packed, 41 bytes each; whole states are frames: a head with all but the data, the
 * data, the next head; a commit frame after the last one says that it was the last.
 */
import { StoreError, type Timestamp } from '#common';
import { frameHeader, jsonFrame, MAX_FRAME_BYTES, parseJsonFrame, type Frame } from './frames.ts';
import type { Metadata } from './object-engine.ts';
import type { KeyedState, KeyRanges, ShippedState } from './object-replica.ts';
import { decodeKey, encodeKey } from './wire.ts';

const STATE_BYTES = 41;
/** Frames of small states are sent together in pieces of about this size. */
const PIECE_BYTES = 256 << 10;

export function encodeStates(states: readonly KeyedState[]): Buffer {
  const bytes = Buffer.allocUnsafe(states.length * STATE_BYTES);
  states.forEach(({ key, state }, i) => {
    const at = i * STATE_BYTES;
    key.copy(bytes, at, 0, 16);
    bytes.writeDoubleLE(state.timestamp, at + 16);
    bytes.writeDoubleLE(state.metaTimestamp, at + 24);
    bytes.writeDoubleLE(state.sizeBytes, at + 32);
    bytes[at + 40] = state.deleted ? 1 : 0;
  });
  return bytes;
}

export function decodeStates(bytes: Buffer): KeyedState[] {
  if (bytes.length % STATE_BYTES !== 0) throw new StoreError('device-unavailable', 'a list of states that was broken off');
  const states: KeyedState[] = [];
  for (let at = 0; at < bytes.length; at += STATE_BYTES) {
    const timestamp = bytes.readDoubleLE(at + 16) as Timestamp;
    const metaTimestamp = bytes.readDoubleLE(at + 24) as Timestamp;
    states.push({ key: bytes.subarray(at, at + 16), state: { timestamp, metaTimestamp, sizeBytes: bytes.readDoubleLE(at + 32), deleted: bytes[at + 40] === 1 } });
  }
  return states;
}

export function decodeRanges(bits: unknown, prefixes: unknown): KeyRanges {
  const known = Number.isInteger(bits) && (bits as number) >= 0 && (bits as number) <= 30 && Array.isArray(prefixes);
  if (!known || !(prefixes as unknown[]).every((prefix) => Number.isInteger(prefix) && (prefix as number) >= 0 && (prefix as number) < 2 ** (bits as number))) throw new StoreError('bad-request', 'not ranges of keys');
  return { bits: bits as number, prefixes: prefixes as number[] };
}

/** The body that carries whole states, in pieces ready to be sent. */
export async function* encodeShipment(states: AsyncIterable<ShippedState>): AsyncGenerator<readonly Buffer[], void, undefined> {
  let piece: Buffer[] = [];
  let pieceBytes = 0;
  for await (const state of states) {
    const { key, blocks, read: _, ...rest } = state;
    const head = jsonFrame('head', { ...rest, key: encodeKey(key), blocks: encodeBlocks(blocks) });
    piece.push(head);
    pieceBytes += head.length;
    for await (const chunk of state.read()) {
      for (let at = 0; at < chunk.length; at += MAX_FRAME_BYTES) {
        const part = chunk.subarray(at, at + MAX_FRAME_BYTES);
        piece.push(frameHeader('data', part.length), part);
        pieceBytes += part.length;
      }
      if (pieceBytes < PIECE_BYTES) continue;
      yield piece;
      piece = [];
      pieceBytes = 0;
    }
    if (pieceBytes < PIECE_BYTES) continue;
    yield piece;
    piece = [];
    pieceBytes = 0;
  }
  piece.push(jsonFrame('commit', {}));
  yield piece;
}

/** The states of such a body. Data that nobody reads is skipped. Throws `body-incomplete` where the end is missing. */
export async function* decodeShipment(frames: AsyncIterator<Frame, unknown>): AsyncGenerator<ShippedState, void, undefined> {
  for (;;) {
    const frame = await nextFrame(frames);
    if (frame.type === 'commit') return;
    const head = parseHead(parseJsonFrame(frame));
    let left = head.deleted ? 0 : head.sizeBytes;
    const read = async function* (): AsyncGenerator<Buffer, void, undefined> {
      while (left > 0) {
        const { type, pieces } = await nextFrame(frames);
        if (type !== 'data') throw new StoreError('bad-request', 'a state without all of its data');
        for (const piece of pieces) {
          left -= piece.length;
          yield piece;
        }
      }
    };
    yield { ...head, read };
    for await (const _ of read());
  }
}

async function nextFrame(frames: AsyncIterator<Frame, unknown>): Promise<Frame> {
  const { done, value } = await frames.next();
  if (done) throw new StoreError('body-incomplete', 'states without an end');
  return value;
}

function parseHead(value: unknown): Omit<ShippedState, 'read'> {
  const { key, name, timestamp, deleted, sizeBytes, metadata, posted, blocks } = (value ?? {}) as Record<string, unknown>;
  const numbers = Number.isSafeInteger(timestamp) && Number.isSafeInteger(sizeBytes) && (sizeBytes as number) >= 0;
  if (typeof name !== 'string' || !name.isWellFormed() || !numbers || !isMetadata(metadata)) throw new StoreError('bad-request', 'not a state');
  const post = posted as { timestamp: Timestamp; metadata: Metadata } | undefined;
  if (post !== undefined && (!Number.isSafeInteger(post.timestamp) || !isMetadata(post.metadata))) throw new StoreError('bad-request', 'not a state');
  return { key: decodeKey(key), name, timestamp: timestamp as Timestamp, deleted: deleted === true, sizeBytes: sizeBytes as number, metadata, posted: post, blocks: decodeBlocks(String(blocks)) };
}

function isMetadata(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
}

function encodeBlocks(blocks: readonly number[]): string {
  return Buffer.from(Uint32Array.from(blocks).buffer).toString('base64');
}

function decodeBlocks(text: string): number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readUInt32LE(i * 4));
}
