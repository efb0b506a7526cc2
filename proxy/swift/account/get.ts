/** GET and HEAD of an account: its metadata and totals, and a page of its containers. */
import { formatTimestamp } from '#common';
import type { Response } from '#proxy/edge';
import { isOwner } from '../authorize.ts';
import { CONSTRAINTS } from '../constraints.ts';
import { containerRows } from '../listing/format.ts';
import { listingQuery } from '../listing/query.ts';
import { respondListing } from '../listing/respond.ts';
import type { SwiftRequest } from '../request.ts';
import { withVersions } from '../versions/account.ts';
import { authorizeAccount } from './access.ts';
import { accountHeaders } from './headers.ts';

export async function getAccount(request: SwiftRequest): Promise<Response> {
  const { store, account, query, exchange } = request;
  await authorizeAccount(request, 'account-read');
  const listing = listingQuery(query, CONSTRAINTS.account_listing_limit);
  const nowText = formatTimestamp(store.cluster.timestamps.now());
  const forOwner = await isOwner(request, account, request.accounts);
  const forAdmin = request.principal?.resellerAdmin === true;
  const root = { element: 'account', name: account };
  if (exchange.method === 'HEAD') {
    const info = await store.accounts.info(account);
    return respondListing(request, { entries: [], form: containerRows(store.cluster.policies), root, headers: accountHeaders(info, store.cluster.policies, { nowText, forOwner, forAdmin }) });
  }
  const page = await store.accounts.list(account, listing);
  const entries = page === undefined ? [] : await withVersions(store, account, page.entries);
  return respondListing(request, { entries, form: containerRows(store.cluster.policies), root, headers: accountHeaders(page?.info, store.cluster.policies, { nowText, forOwner, forAdmin }) });
}
