/**
 * The IndexStore port: an ordered map of bytes that loses what it was told lately when the power fails, and says since
 * when it does not. The volumes are the log that makes good what it loses.
 */

/** An index that cannot be read any more; the volumes can make it anew. */
export class IndexDamaged extends Error {}

export type IndexChange = { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer } | { readonly type: 'del'; readonly key: Buffer };

export interface IndexStore {
  get(key: Buffer): Buffer | undefined;
  /**
   * Applies changes in one step, without waiting for the disk. After a crash any of the batches since the last barrier may
   * be missing, each whole: LevelDB does not sync its old log when it begins a new one, so that a batch may be lost and a
   * later one survive.
   */
  batch(changes: readonly IndexChange[]): Promise<void>;
  /** When it resolves, every batch that had resolved before it was called survives a crash. */
  barrier(): Promise<void>;
  /** Pages of entries from `from` up to but not including `to`, in byte order. */
  range(from: Buffer, to: Buffer): AsyncIterable<[key: Buffer, value: Buffer][]>;
  /** Whether what is on the disk is what was written. Where it is not, the next opening throws IndexDamaged. */
  isSound(): Promise<boolean>;
  close(): Promise<void>;
}
