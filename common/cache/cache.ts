/**
 * The Cache port: answers worth keeping for a while. A cache may forget anything at any time, and may be shared with other
 * processes; nothing is ever lost or wrong for longer than a value's time to live because of it.
 */
export interface Cache extends AsyncDisposable {
  /** The value, or undefined where there is none (any more) or the cache does not answer. Never throws. */
  get<T extends object>(key: string): Promise<T | undefined>;
  /** Keeps a JSON value for `ttlMs`. Never throws. */
  set(key: string, value: object, ttlMs: number): Promise<void>;
  /** Forgets a value. Never throws. */
  delete(key: string): Promise<void>;
}
