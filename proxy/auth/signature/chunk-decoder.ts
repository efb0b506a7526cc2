/**
 * The framings that SDKs put around a body they sign as they send it (`aws-chunked`): `hex-size[;chunk-signature=...]`, data, and after a
 * chunk of size zero perhaps trailers. Every chunk's signature is made over the one before, so that nothing can be left out, added or
 * moved. Data are handed on before the signature of their chunk has come: whoever stores them commits only after the end of this.
 */
import { createHash, type Hash } from 'node:crypto';
import { signatureFault } from './fault.ts';
import { hmac, sameSignature } from './sigv4.ts';
import { sha256OfBytes } from './canonical.ts';

/** A frame's line may be this long: a size and a signature. */
const MAX_LINE_BYTES = 1024;
const MAX_TRAILER_BYTES = 16 * 1024;
const EMPTY_SHA256 = sha256OfBytes('');

export interface ChunkSigning {
  readonly key: Buffer;
  readonly timestamp: string;
  readonly scope: string;
  /** The signature of the request's head: the chain begins with it. */
  readonly seed: string;
}

export interface ChunkFraming {
  /** Undefined where chunks are not signed. */
  readonly signing: ChunkSigning | undefined;
  /** Names of trailers that may follow, lower case. */
  readonly trailers: readonly string[];
  readonly decodedBytes: number;
  /** Told once, before the end of the body. */
  readonly onTrailers: (trailers: ReadonlyMap<string, string>) => void;
}

type State = 'size' | 'data' | 'after-data' | 'trailers' | 'end';

export class ChunkDecoder {
  readonly #framing: ChunkFraming;
  #state: State = 'size';
  #line = '';
  #left = 0;
  #decoded = 0;
  #signature: string;
  #expected = '';
  #hash: Hash | undefined;
  #trailerBytes = 0;
  readonly #trailers = new Map<string, string>();
  #trailerText = '';

  constructor(framing: ChunkFraming) {
    this.#framing = framing;
    this.#signature = framing.signing?.seed ?? '';
  }

  /** Takes framed bytes; answers the data among them. */
  push(bytes: Buffer): Buffer[] {
    const data: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (this.#state === 'end') throw signatureFault('IncompleteBody', 'The request body went on after its last chunk');
      if (this.#state === 'data') {
        const piece = bytes.subarray(at, at + this.#left);
        at += piece.length;
        this.#takeData(piece);
        data.push(piece);
      } else {
        at = this.#takeLine(bytes, at);
      }
    }
    return data;
  }

  /** Throws where the body ended before its end. */
  finish(): void {
    // The blank line after the last chunk, or after the trailers, is left out by some clients.
    if (this.#state === 'trailers' && this.#line === '') this.#end();
    if (this.#state !== 'end' || this.#decoded !== this.#framing.decodedBytes) throw signatureFault('IncompleteBody', 'The request body terminated unexpectedly');
  }

  #takeData(piece: Buffer): void {
    this.#hash?.update(piece);
    this.#left -= piece.length;
    this.#decoded += piece.length;
    if (this.#decoded > this.#framing.decodedBytes) throw signatureFault('IncompleteBody', 'The request body is longer than x-amz-decoded-content-length');
    if (this.#left === 0) {
      this.#checkChunk();
      this.#state = 'after-data';
    }
  }

  #takeLine(bytes: Buffer, at: number): number {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline < 0 ? bytes.length : newline + 1;
    this.#line += bytes.toString('latin1', at, end);
    if (this.#line.length > MAX_LINE_BYTES) throw signatureFault('InvalidChunkSizeError', 'Only the last chunk is allowed to have a size less than 8192 bytes');
    if (newline >= 0) {
      const line = this.#line.replace(/\r?\n$/, '');
      this.#line = '';
      this.#lineDone(line);
    }
    return end;
  }

  #lineDone(line: string): void {
    if (this.#state === 'after-data') {
      if (line !== '') throw signatureFault('IncompleteBody', 'A chunk is longer than its size says');
      this.#state = 'size';
    } else if (this.#state === 'size') {
      this.#begin(line);
    } else if (line === '') {
      this.#end();
    } else {
      this.#trailer(line);
    }
  }

  #begin(line: string): void {
    const match = /^([0-9a-fA-F]{1,12})(?:;\s*chunk-signature=([0-9a-f]{64}))?\s*$/.exec(line);
    if (match === null) throw signatureFault('IncompleteBody', 'The request body is not framed as its headers say');
    this.#left = Number.parseInt(match[1]!, 16);
    if (this.#framing.signing !== undefined) {
      if (match[2] === undefined) throw signatureFault('SignatureDoesNotMatch', 'A chunk came without its signature');
      this.#expected = match[2];
      this.#hash = createHash('sha256');
    }
    if (this.#left > 0) {
      this.#state = 'data';
      return;
    }
    this.#checkChunk();
    this.#state = 'trailers';
  }

  #checkChunk(): void {
    const { signing } = this.#framing;
    if (signing === undefined) return;
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${signing.timestamp}\n${signing.scope}\n${this.#signature}\n${EMPTY_SHA256}\n${this.#hash!.digest('hex')}`;
    if (!sameSignature(hmac(signing.key, text), this.#expected)) throw signatureFault('SignatureDoesNotMatch', 'The signature of a chunk does not match its data');
    this.#signature = this.#expected;
  }

  #trailer(line: string): void {
    this.#trailerBytes += line.length;
    const colon = line.indexOf(':');
    if (colon <= 0 || this.#trailerBytes > MAX_TRAILER_BYTES) throw signatureFault('InvalidRequest', 'A trailer of the request is malformed');
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'x-amz-trailer-signature') return this.#checkTrailers(value);
    if (!this.#framing.trailers.includes(name) || this.#trailers.has(name)) throw signatureFault('InvalidRequest', `The trailer ${name} was not announced`);
    this.#trailers.set(name, value);
    this.#trailerText += `${name}:${value}\n`;
  }

  #checkTrailers(signature: string): void {
    const { signing } = this.#framing;
    if (signing === undefined) return;
    const text = `AWS4-HMAC-SHA256-TRAILER\n${signing.timestamp}\n${signing.scope}\n${this.#signature}\n${sha256OfBytes(this.#trailerText)}`;
    if (!sameSignature(hmac(signing.key, text), signature)) throw signatureFault('SignatureDoesNotMatch', 'The signature of the trailers does not match them');
    this.#trailerText = '';
  }

  #end(): void {
    const { signing, trailers } = this.#framing;
    if (trailers.some((name) => !this.#trailers.has(name))) throw signatureFault('InvalidRequest', 'A trailer that was announced did not come');
    if (signing !== undefined && this.#trailerText !== '') throw signatureFault('SignatureDoesNotMatch', 'The trailers came without their signature');
    this.#framing.onTrailers(this.#trailers);
    this.#state = 'end';
  }
}
