/** A body as its signature promises it: checked as it flows, and at its end, before whoever stores it commits. */
import { hash } from 'node:crypto';
import { StoreError } from '#common';
import { createHasher } from '#common/checksum';
import { bodyOfBuffer, type Body } from '#common/stream';
import { ChunkDecoder, type ChunkFraming } from './chunk-decoder.ts';
import type { ChunkSigning } from './chunk-signatures.ts';
import { signatureFault } from './fault.ts';

/** How the bytes of a request are vouched for. */
export type Payload =
  /** They are not. */
  | { readonly form: 'unsigned' }
  /** By their SHA-256 in hex, or what a client wrote instead of it. */
  | { readonly form: 'hashed'; readonly sha256: string }
  /** In chunks; each signed with `signing`. */
  | { readonly form: 'chunked'; readonly signing: ChunkSigning | undefined; /** Undefined where none may follow. */ readonly trailers: readonly string[] | undefined; readonly decodedBytes: number };

const EMPTY_SHA256 = hash('sha256', '', 'hex');

/** The data of a raw body. `onTrailers` hears what came behind them. */
export function verifiedBody(raw: Body, payload: Payload, onTrailers: ChunkFraming['onTrailers']): Body {
  switch (payload.form) {
    case 'unsigned':
      return raw;
    case 'hashed':
      return raw.sizeBytes === 0 && payload.sha256 === EMPTY_SHA256 ? raw : hashedBody(raw, payload.sha256);
    case 'chunked':
      return chunkedBody(raw, { ...payload, onTrailers });
  }
}

function hashedBody(raw: Body, sha256: string): Body {
  const check = (found: string): void => {
    if (found !== sha256.toLowerCase()) throw signatureFault('XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.", { ClientComputedContentSHA256: sha256, S3ComputedContentSHA256: found });
  };
  return {
    sizeBytes: raw.sizeBytes,
    collect: async (maxBytes) => {
      const data = await raw.collect(maxBytes);
      check(hash('sha256', data, 'hex'));
      return data;
    },
    chunks: async function* () {
      const hasher = createHasher({ algorithms: ['sha256'], sizeHint: raw.sizeBytes });
      try {
        for await (const chunk of raw.chunks()) {
          const hashed = hasher.update(chunk);
          if (hashed !== undefined) await hashed;
          yield chunk;
        }
        check((await hasher.digest())['sha256'].toString('hex'));
      } finally {
        hasher.abort();
      }
    },
  };
}

function chunkedBody(raw: Body, framing: ChunkFraming): Body {
  const sizeBytes = framing.decodedBytes;
  async function* chunks(): AsyncGenerator<Buffer> {
    const decoder = new ChunkDecoder(framing);
    for await (const chunk of raw.chunks()) yield* decoder.push(chunk);
    decoder.finish();
  }
  return {
    sizeBytes,
    collect: async (maxBytes) => {
      if (sizeBytes > maxBytes) throw new StoreError('entity-too-large', `the body is larger than ${maxBytes} bytes`);
      const decoder = new ChunkDecoder(framing);
      // A frame is a line of about a hundred bytes around at least one byte of data.
      const framed = await raw.collect(sizeBytes * 100 + 64 * 1024);
      const data = decoder.push(framed);
      decoder.finish();
      return bodyOfBuffer(data.length === 1 ? data[0]! : Buffer.concat(data)).collect(maxBytes);
    },
    chunks,
  };
}
