/**
 * States between replicas on the wire. Lists of states are packed, 41 bytes each; whole states are frames: a head with all but the data, the
 * data, the next head; a commit frame after the last one says that it was the last.
 */
import { StoreError, type Timestamp } from '#common';
import { frameHeader, jsonFrame, parseJsonFrame, type Frame } from './frames.ts';
import type { Metadata } from './object-engine.ts';
import type { KeyedState, KeyRanges, ShippedState } from './object-replica.ts';
import { decodeKey, encodeKey, MAX_CHUNK_BYTES } from './wire.ts';

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
  const add = (...parts: Buffer[]): void => {
    for (const part of parts) pieceBytes += part.length;
    piece.push(...parts);
  };
  const taken = (): Buffer[] => {
    const full = piece;
    piece = [];
    pieceBytes = 0;
    return full;
  };
  for await (const state of states) {
    const { key, data, read, ...rest } = state;
    add(jsonFrame('head', { ...rest, key: encodeKey(key) }));
    if (data !== undefined) {
      if (data.length > 0) add(frameHeader('data', data.length), data);
    } else {
      for await (const chunk of read()) {
        add(frameHeader('data', chunk.length), chunk);
        if (pieceBytes >= PIECE_BYTES) yield taken();
      }
    }
    if (pieceBytes >= PIECE_BYTES) yield taken();
  }
  add(jsonFrame('commit', {}));
  yield taken();
}

/** The states of such a body. Data that nobody reads is skipped. Throws `body-incomplete` where the end is missing. */
export async function* decodeShipment(frames: AsyncIterator<Frame, unknown>): AsyncGenerator<ShippedState, void, undefined> {
  for (;;) {
    const frame = await nextFrame(frames);
    if (frame.type === 'commit') return;
    const head = parseHead(parseJsonFrame(frame));
    const body = new ShippedBody(frames, head.deleted ? 0 : head.sizeBytes);
    const data = head.sizeBytes <= MAX_CHUNK_BYTES ? await body.whole() : undefined;
    yield { ...head, data, read: () => (data === undefined ? body.read() : one(data)) };
    if (data === undefined) for await (const _ of body.read());
  }
}

async function* one(data: Buffer): AsyncGenerator<Buffer, void, undefined> {
  if (data.length > 0) yield data;
}

class ShippedBody {
  readonly #frames: AsyncIterator<Frame, unknown>;
  #left: number;

  constructor(frames: AsyncIterator<Frame, unknown>, sizeBytes: number) {
    this.#frames = frames;
    this.#left = sizeBytes;
  }

  async whole(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    while (this.#left > 0) pieces.push(...(await this.#next()));
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  async *read(): AsyncGenerator<Buffer, void, undefined> {
    while (this.#left > 0) yield* await this.#next();
  }

  async #next(): Promise<readonly Buffer[]> {
    const { type, pieces } = await nextFrame(this.#frames);
    for (const piece of pieces) this.#left -= piece.length;
    if (type !== 'data' || this.#left < 0) throw new StoreError('bad-request', 'a state without all of its data, or with more');
    return pieces;
  }
}

async function nextFrame(frames: AsyncIterator<Frame, unknown>): Promise<Frame> {
  const { done, value } = await frames.next();
  if (done) throw new StoreError('body-incomplete', 'states without an end');
  return value;
}

function parseHead(value: unknown): Omit<ShippedState, 'data' | 'read'> {
  const { key, name, timestamp, deleted, sizeBytes, conditional, metadata, posted, blocks } = (value ?? {}) as Record<string, unknown>;
  const numbers = Number.isSafeInteger(timestamp) && Number.isSafeInteger(sizeBytes) && (sizeBytes as number) >= 0;
  if (typeof name !== 'string' || !name.isWellFormed() || !numbers || !isMetadata(metadata)) throw new StoreError('bad-request', 'not a state');
  const post = posted as { timestamp: Timestamp; metadata: Metadata } | undefined;
  if (post !== undefined && (!Number.isSafeInteger(post.timestamp) || !isMetadata(post.metadata))) throw new StoreError('bad-request', 'not a state');
  if (!Array.isArray(blocks) || !blocks.every(Number.isInteger)) throw new StoreError('bad-request', 'not a state');
  return { key: decodeKey(key), name, timestamp: timestamp as Timestamp, deleted: deleted === true, sizeBytes: sizeBytes as number, conditional: conditional === true ? true : undefined, metadata, posted: post, blocks: blocks as number[] };
}

function isMetadata(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
}
