/** POST of an account: sets and removes its metadata. */
import { liveMetadata } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { checkMetadataHeaders } from '../constraints.ts';
import { empty, type SwiftRequest } from '../request.ts';
import { checkMergedMetadata } from '../user-metadata.ts';
import { authorizeAccount } from './access.ts';
import { accountChanges } from './headers.ts';

export async function postAccount(request: SwiftRequest): Promise<Response> {
  const { store, account, exchange } = request;
  await authorizeAccount(request, 'account-write');
  checkMetadataHeaders('account', exchange.headers);
  const changes = accountChanges(request);
  const current = await store.accounts.info(account);
  checkMergedMetadata(current === undefined ? {} : liveMetadata(current.metadata), changes);
  await store.accounts.post(account, changes);
  request.accounts.forget(account);
  return empty(204);
}
