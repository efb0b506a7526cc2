/**
 * The port of whoever keeps the keys that wrap objects' keys. Every encrypted body has a random key of its own, which is stored beside it,
 * wrapped; who can unwrap it can read the body. So a key is rotated without touching a body, and a body copied without knowing its key.
 *
 * Kinds: `root`, secrets of the cluster's own key file (root-secrets.ts): encryption at rest for every dialect, and S3's SSE-S3. `client`, a key
 * that comes with each request and is never kept (client-key.ts): S3's SSE-C. Others may be added beside them, e.g. `kms` for a key service that
 * wraps and unwraps on request: SSE-KMS. A dialect hands its keymaster to `Objects.put` and `Objects.get`; where it hands none, a body is
 * encrypted as the cluster is configured, and read with the cluster's own keys.
 */
import type { Buffer } from 'node:buffer';

/** A key as it is stored. */
export interface WrappedKey {
  /** Which of the keymaster's keys wrapped it. */
  readonly id: string;
  readonly wrapped: Buffer;
}

export interface Keymaster {
  /** A short word, stored with each body, by which its keymaster is found again. */
  readonly kind: string;
  /** Wraps the 32 bytes of a body's key with the key that is in force. */
  wrap(bodyKey: Buffer): Promise<WrappedKey>;
  /** Throws `forbidden` where the key is another than it was wrapped with, `unavailable` where the keymaster cannot be asked or knows none of that id. */
  unwrap(key: WrappedKey): Promise<Buffer>;
}
