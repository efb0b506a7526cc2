/**
 * The world's faults, as one error class with a closed list of codes. Core gives a fault its meaning here; each dialect
 * gives it its shape, with a table that the compiler checks for completeness. Bugs are not StoreErrors: they are
 * `assert` failures and end the request.
 */

/** Every fault that an operation on the store can end with. */
export const STORE_ERROR_CODES = [
  // what the caller said
  'bad-request',
  'unauthenticated',
  'forbidden',
  'method-not-allowed',
  'not-implemented',
  'not-acceptable',
  'name-too-long',
  'metadata-invalid',
  'length-required',
  'entity-too-large',
  'checksum-mismatch',
  'body-incomplete',
  'precondition-failed',
  'not-modified',
  'range-not-satisfiable',
  'request-timeout',
  'client-disconnected',
  'rate-limited',
  // what the namespace holds
  'account-not-found',
  'account-deleted',
  'container-not-found',
  'container-not-empty',
  'container-exists',
  'object-not-found',
  'policy-unknown',
  'policy-conflict',
  'conflict',
  'quota-exceeded',
  // what the cluster can do now
  'superseded',
  'clock-skew',
  'unavailable',
  'device-unavailable',
  'device-full',
  'device-locked',
  'corrupt',
  'internal',
] as const;

export type StoreErrorCode = (typeof STORE_ERROR_CODES)[number];

export interface StoreErrorOptions {
  cause?: unknown;
  /** Facts that a dialect or a log line may print, e.g. `{ header: 'X-Delete-At' }`. */
  detail?: Readonly<Record<string, string | number | boolean>>;
}

/** A fault of the world: what was asked cannot be done, and `code` says why. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  readonly detail: Readonly<Record<string, string | number | boolean>>;

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StoreError';
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

/** True if `error` is a StoreError, and one of `codes` where any are given. */
export function isStoreError(error: unknown, ...codes: StoreErrorCode[]): error is StoreError {
  return error instanceof StoreError && (codes.length === 0 || codes.includes(error.code));
}
