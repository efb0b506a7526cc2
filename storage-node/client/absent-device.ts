/** A device that should be in this process and is not: every call on it says so, as a device that cannot be reached does. */
import { StoreError } from '#common';
import type { ListingEngine, ObjectEngine } from '#storage-node/protocol';

export function absentObjects(what: string): ObjectEngine {
  const refuse = refusing(what);
  return { stat: refuse, info: refuse, open: refuse, put: refuse, create: refuse, post: refuse, delete: refuse, prepare: refuse, abandon: () => undefined, settle: () => undefined, pending: refuse, digests: refuse, states: refuse, take: refuse, history: refuse };
}

export function absentListings(what: string): ListingEngine {
  const refuse = refusing(what);
  return { info: refuse, put: refuse, post: refuse, delete: refuse, merge: refuse, sync: refuse, list: refuse, unreported: refuse, reported: () => undefined, databaseDigests: refuse, databaseVersions: refuse, databaseState: refuse, databaseRows: refuse, rowDigests: refuse, adopt: refuse };
}

function refusing(what: string): () => Promise<never> {
  return async () => {
    throw new StoreError('device-unavailable', `${what} is not here`);
  };
}
