/** DELETE of an account: for reseller admins. */
import type { Response } from '#proxy/edge';
import { authorize } from '../authorize.ts';
import { Refusal } from '../refusal.ts';
import { empty, type SwiftRequest } from '../request.ts';

export async function deleteAccount(request: SwiftRequest): Promise<Response> {
  // A DELETE with a query was most likely meant for something else than a whole account.
  if (request.exchange.rawQuery !== '') throw new Refusal(400);
  authorize(request, 'account-manage', request.account, undefined);
  await request.store.accounts.delete(request.account);
  return empty(204);
}
