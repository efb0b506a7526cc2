/** Contents that no two writes share: bytes that only their seed makes, so that every byte read can be held against what was written. */
import { createCipheriv, hash } from 'node:crypto';

export interface Content {
  readonly seed: string;
  readonly sizeBytes: number;
  readonly md5: string;
}

/** The bytes of a seed: AES in counter mode, so that no part of one content is a part of another. */
export function bytesOf({ seed, sizeBytes }: Pick<Content, 'seed' | 'sizeBytes'>): Buffer {
  const cipher = createCipheriv('aes-128-ctr', hash('md5', seed, 'buffer'), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(sizeBytes));
}

export function newContent(seed: string, sizeBytes: number): { content: Content; bytes: Buffer } {
  const bytes = bytesOf({ seed, sizeBytes });
  return { content: { seed, sizeBytes, md5: hash('md5', bytes, 'hex') }, bytes };
}
