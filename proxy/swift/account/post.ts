/** POST of an account: sets and removes its metadata. */
import { liveMetadata } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorize } from '../authorize.ts';
import { checkMetadataHeaders } from '../constraints.ts';
import { empty, type SwiftRequest } from '../request.ts';
import { checkMergedMetadata, userMetadataChanges } from '../user-metadata.ts';

export async function postAccount(request: SwiftRequest): Promise<Response> {
  const { store, account, exchange } = request;
  authorize(request, 'account-write', account, undefined);
  checkMetadataHeaders('account', exchange.headers);
  const changes = userMetadataChanges('account', exchange.headers);
  const current = await store.accounts.info(account);
  checkMergedMetadata(current === undefined ? {} : liveMetadata(current.metadata), changes);
  await store.accounts.post(account, changes);
  return empty(204);
}
