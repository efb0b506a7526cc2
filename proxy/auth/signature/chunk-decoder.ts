/**
 * The framings that SDKs put around a body they sign as they send it (`aws-chunked`): `hex-size[;chunk-signature=...]`, data, and after a
 * chunk of size zero perhaps trailers. Data are handed on before the signature of their chunk has come: whoever stores them commits only
 * after the end of this. What is let through beyond what is documented, AWS lets through as well.
 */
import { ChunkSignatures, type ChunkSigning } from './chunk-signatures.ts';
import { signatureFault } from './fault.ts';

/** A frame's line may be this long: a size and a signature. */
const MAX_LINE_BYTES = 1024;
const MAX_TRAILER_BYTES = 16 * 1024;
/** Signed chunks but the last have at least so many bytes. */
const MIN_SIGNED_BYTES = 8192;
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';

export interface ChunkFraming {
  /** Undefined where chunks are not signed. */
  readonly signing: ChunkSigning | undefined;
  /** Names of trailers that follow, lower case; undefined where none may. */
  readonly trailers: readonly string[] | undefined;
  readonly decodedBytes: number;
  /** Told once, before the end of the body. */
  readonly onTrailers: (trailers: ReadonlyMap<string, string>) => void;
}

type State = 'size' | 'data' | 'after-data' | 'trailers' | 'end';

export class ChunkDecoder {
  readonly #framing: ChunkFraming;
  readonly #signatures: ChunkSignatures | undefined;
  #state: State = 'size';
  #line = '';
  #left = 0;
  #decoded = 0;
  #chunks = 0;
  #chunkBytes = 0;
  #trailerBytes = 0;
  readonly #trailers = new Map<string, string>();
  #trailerText = '';
  #trailersSigned = false;

  constructor(framing: ChunkFraming) {
    this.#framing = framing;
    this.#signatures = framing.signing && new ChunkSignatures(framing.signing);
  }

  /** Takes framed bytes; answers the data among them, no more than were promised. */
  push(bytes: Buffer): Buffer[] {
    const data: Buffer[] = [];
    // What comes behind the end is nobody's.
    for (let at = 0; at < bytes.length && this.#state !== 'end'; ) {
      if (this.#state === 'data') {
        const piece = bytes.subarray(at, at + this.#left);
        at += piece.length;
        const wanted = Math.max(0, this.#framing.decodedBytes - this.#decoded);
        this.#takeData(piece);
        if (wanted > 0) data.push(piece.subarray(0, wanted));
      } else {
        at = this.#takeLine(bytes, at);
      }
    }
    return data;
  }

  /** Throws where the body ended before its end, or has not the length that was promised. */
  finish(): void {
    // The blank line after the last chunk, or after the trailers, is left out by some clients.
    if (this.#state === 'trailers' && this.#line === '') this.#end();
    if (this.#state !== 'end') throw cutShort();
    const { decodedBytes } = this.#framing;
    if (this.#decoded !== decodedBytes) throw shortBody(this.#decoded, decodedBytes);
  }

  #takeData(piece: Buffer): void {
    this.#signatures?.update(piece);
    this.#left -= piece.length;
    this.#decoded += piece.length;
    if (this.#left > 0) return;
    this.#signatures?.end();
    this.#state = 'after-data';
  }

  #takeLine(bytes: Buffer, at: number): number {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline < 0 ? bytes.length : newline + 1;
    this.#line += bytes.toString('latin1', at, end);
    if (this.#line.length > MAX_LINE_BYTES) throw cutShort();
    if (newline < 0) return end;
    if (!this.#line.endsWith('\r\n')) throw cutShort();
    const line = this.#line.slice(0, -2);
    this.#line = '';
    this.#lineDone(line);
    return end;
  }

  #lineDone(line: string): void {
    if (this.#state === 'after-data') {
      if (line !== '') throw cutShort();
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
    const [, size, extension] = /^([0-9a-fA-F]{1,12})[ \t]*(?:;(.*))?$/.exec(line) ?? [];
    if (size === undefined) throw cutShort();
    const before = this.#chunkBytes;
    this.#left = this.#chunkBytes = Number.parseInt(size, 16);
    this.#chunks++;
    if (this.#signatures !== undefined) {
      if (this.#left > 0 && this.#chunks > 1 && before < MIN_SIGNED_BYTES) throw tooSmall(this.#chunks, before);
      this.#signatures.begin(signatureIn(extension));
    }
    if (this.#left > 0) {
      this.#state = 'data';
      return;
    }
    this.#signatures?.end();
    this.#state = 'trailers';
  }

  #trailer(line: string): void {
    const { trailers, signing } = this.#framing;
    this.#trailerBytes += line.length;
    const colon = line.indexOf(':');
    if (trailers === undefined || (signing !== undefined && trailers.length === 0)) throw cutShort();
    if (colon <= 0 || this.#trailerBytes > MAX_TRAILER_BYTES) throw malformedTrailer();
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === TRAILER_SIGNATURE && this.#signatures !== undefined) {
      this.#signatures.trailers(this.#trailerText, value);
      this.#trailersSigned = true;
      return;
    }
    // One after the signature would be signed by nobody.
    if (!trailers.includes(name) || this.#trailersSigned) throw malformedTrailer();
    this.#trailers.set(name, value);
    this.#trailerText += `${name}:${value}\n`;
  }

  #end(): void {
    const { signing, trailers } = this.#framing;
    if (signing !== undefined && trailers !== undefined && !this.#trailersSigned) throw cutShort();
    if (trailers?.some((name) => !this.#trailers.has(name)) === true) throw malformedTrailer();
    this.#framing.onTrailers(this.#trailers);
    this.#state = 'end';
  }
}

/** The signature that a chunk's extension names. What else there is in it is not signed: before the signature it is taken for one, behind it nothing is read. */
function signatureIn(extension: string | undefined): string {
  const [, name, value] = /^\s*([^=;]*?)\s*=\s*(.*?)\s*$/.exec(extension ?? '') ?? [];
  if (name === undefined || value === undefined || value === '') throw cutShort();
  if (name !== 'chunk-signature') return '';
  if (value.includes(';')) throw cutShort();
  return value;
}

function cutShort(): Error {
  return signatureFault('IncompleteBody', 'The request body terminated unexpectedly');
}

/** A body of another length than its head says. */
export function shortBody(provided: number, expected: number): Error {
  return signatureFault('IncompleteBody', 'You did not provide the number of bytes specified by the Content-Length HTTP header', { NumberBytesExpected: String(expected), NumberBytesProvided: String(provided) });
}

function tooSmall(chunk: number, bytes: number): Error {
  return signatureFault('InvalidChunkSizeError', 'Only the last chunk is allowed to have a size less than 8192 bytes', { Chunk: String(chunk), BadChunkSize: String(bytes) });
}

function malformedTrailer(): Error {
  return signatureFault('MalformedTrailerError', 'The request contained trailing data that was not well-formed or did not conform to our published schema.');
}
