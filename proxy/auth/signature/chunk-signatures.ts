/** The chain of signatures over the chunks of a body: each is made over the one before, so that nothing can be left out, added or moved. */
import { createHash, type Hash } from 'node:crypto';
import { sha256OfBytes } from './canonical.ts';
import { hmac, sameSignature, signatureMismatch } from './sigv4.ts';

const EMPTY_SHA256 = sha256OfBytes('');

export interface ChunkSigning {
  readonly accessKey: string;
  readonly key: Buffer;
  readonly timestamp: string;
  readonly scope: string;
  /** The signature of the request's head: the chain begins with it. */
  readonly seed: string;
  /** What that is made over. */
  readonly canonical: string;
}

export class ChunkSignatures {
  readonly #signing: ChunkSigning;
  #last: string;
  #claimed = '';
  #hash: Hash;

  constructor(signing: ChunkSigning) {
    this.#signing = signing;
    this.#last = signing.seed;
    this.#hash = createHash('sha256');
  }

  /** A chunk begins that says it is signed so. */
  begin(claimed: string): void {
    this.#claimed = claimed;
    this.#hash = createHash('sha256');
  }

  update(data: Buffer): void {
    this.#hash.update(data);
  }

  /** The chunk is whole. Throws where its signature is another. */
  end(): void {
    this.#check('AWS4-HMAC-SHA256-PAYLOAD', `${EMPTY_SHA256}\n${this.#hash.digest('hex')}`, this.#claimed);
    this.#last = this.#claimed;
  }

  /** `text` are the trailers as they are signed: a line each. */
  trailers(text: string, claimed: string): void {
    this.#check('AWS4-HMAC-SHA256-TRAILER', sha256OfBytes(text), claimed);
  }

  #check(algorithm: string, signed: string, signature: string): void {
    const { accessKey, key, timestamp, scope, canonical } = this.#signing;
    const stringToSign = `${algorithm}\n${timestamp}\n${scope}\n${this.#last}\n${signed}`;
    if (!sameSignature(hmac(key, stringToSign), signature)) throw signatureMismatch({ accessKey, stringToSign, signature, canonical });
  }
}
