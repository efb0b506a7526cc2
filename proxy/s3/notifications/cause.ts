/** Why something happens to an object: the request, or the work of ours, that does it. What happens is known further down, where nobody knows of requests. */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Cause {
  /** Events that its puts and deletions are, e.g. `s3:ObjectCreated:Copy`; undefined where they are none. */
  readonly put?: string | undefined;
  readonly delete?: string | undefined;
  readonly principalId: string;
  readonly sourceIp: string;
  readonly requestId: string;
}

const causes = new AsyncLocalStorage<Cause>();

export function causing<T>(cause: Cause, work: () => T): T {
  return causes.run(cause, work);
}

export function causeNow(): Cause | undefined {
  return causes.getStore();
}
