/** The checksums that the two dialects know, each as a state that takes pieces and ends in bytes, big-endian. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc32c } from './crc32c.ts';
import { Crc64Nvme } from './crc64nvme.ts';

export const CHECKSUM_ALGORITHMS = ['md5', 'sha1', 'sha256', 'crc32', 'crc32c', 'crc64nvme'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

export interface ChecksumState {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

export function checksumState(algorithm: ChecksumAlgorithm): ChecksumState {
  switch (algorithm) {
    case 'crc32':
      return new Crc32State(crc32);
    case 'crc32c':
      return new Crc32State(crc32c);
    case 'crc64nvme':
      return new Crc64Nvme();
    case 'md5':
    case 'sha1':
    case 'sha256': {
      const hash = createHash(algorithm);
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
    }
  }
}

class Crc32State implements ChecksumState {
  readonly #crc: (bytes: Uint8Array, previous: number) => number;
  #value = 0;

  constructor(crc: (bytes: Uint8Array, previous: number) => number) {
    this.#crc = crc;
  }

  update(bytes: Uint8Array): void {
    this.#value = this.#crc(bytes, this.#value);
  }

  digest(): Buffer {
    const digest = Buffer.allocUnsafe(4);
    digest.writeUInt32BE(this.#value);
    return digest;
  }
}
