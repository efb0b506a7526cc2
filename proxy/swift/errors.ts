/** What each of core's faults is in Swift's words. The compiler sees to it that none is missing. */
import { isStoreError, type StoreError, type StoreErrorCode } from '#common';
import { page, HTML, Refusal } from './refusal.ts';

const STATUS = {
  'bad-request': 400,
  unauthenticated: 401,
  forbidden: 403,
  'method-not-allowed': 405,
  'not-implemented': 501,
  'not-acceptable': 406,
  'name-too-long': 400,
  'metadata-invalid': 400,
  'length-required': 411,
  'entity-too-large': 413,
  'checksum-mismatch': 422,
  'body-incomplete': 499,
  'precondition-failed': 412,
  'not-modified': 304,
  'range-not-satisfiable': 416,
  'request-timeout': 408,
  'client-disconnected': 499,
  'rate-limited': 498,
  'account-not-found': 404,
  'account-deleted': 410,
  'container-not-found': 404,
  'container-not-empty': 409,
  'container-exists': 202,
  'object-not-found': 404,
  'policy-unknown': 400,
  'policy-conflict': 409,
  conflict: 409,
  'quota-exceeded': 413,
  superseded: 409,
  'clock-skew': 503,
  unavailable: 503,
  'device-unavailable': 503,
  'device-full': 507,
  'device-locked': 503,
  corrupt: 503,
  internal: 500,
} as const satisfies Record<StoreErrorCode, number>;

/** The refusal that says a fault of core. */
export function refusalOf(error: StoreError): Refusal {
  const status = STATUS[error.code];
  const headers: Record<string, string> = { 'Content-Type': HTML };
  if (status === 503) headers['Retry-After'] = '1';
  if (error.code === 'account-deleted') headers['X-Account-Status'] = 'Deleted';
  return new Refusal(status, page(status), headers);
}

/** The refusal that a fault is, whether of core or the dialect's own; undefined for a bug. */
export function asRefusal(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  return isStoreError(error) ? refusalOf(error) : undefined;
}
