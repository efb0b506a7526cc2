/** An open object as its clients see it: metadata opened, and the body decrypted from whichever byte is read. */
import { giveSlab } from '#common/stream';
import type { ObjectInfo } from '#storage-node/protocol';
import type { OpenObject } from '../resumable-object.ts';
import { cipherAt, type BodyKey } from './body-key.ts';

export class DecryptedObject implements OpenObject {
  readonly info: ObjectInfo;
  readonly data: Buffer | undefined;
  readonly #stored: OpenObject;
  readonly #bodyKey: BodyKey | undefined;

  /** `bodyKey` undefined where only the metadata are sealed, or the body is wanted as it is stored. */
  constructor(stored: OpenObject, info: ObjectInfo, bodyKey: BodyKey | undefined) {
    this.info = info;
    this.#stored = stored;
    this.#bodyKey = bodyKey;
    this.data = stored.data === undefined || bodyKey === undefined ? stored.data : cipherAt(bodyKey, 0).update(stored.data);
  }

  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    if (this.#bodyKey === undefined) {
      yield* this.#stored.read(start, end);
      return;
    }
    const cipher = cipherAt(this.#bodyKey, start);
    for await (const chunk of this.#stored.read(start, end)) {
      const plain = cipher.update(chunk);
      giveSlab(chunk);
      yield plain;
    }
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#stored[Symbol.asyncDispose]();
  }
}
