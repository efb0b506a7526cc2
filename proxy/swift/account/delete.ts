/** DELETE of an account: for reseller admins. */
import type { Response } from '#proxy/edge';
import { Refusal } from '../refusal.ts';
import { empty, type SwiftRequest } from '../request.ts';
import { authorizeAccount } from './access.ts';

export async function deleteAccount(request: SwiftRequest): Promise<Response> {
  // A DELETE with a query was most likely meant for something else than a whole account.
  if (request.exchange.rawQuery !== '') throw new Refusal(400);
  await authorizeAccount(request, 'account-manage');
  if (!request.settings.accountManagement) throw new Refusal(405, undefined, { Allow: 'GET, HEAD, OPTIONS, POST' });
  await request.store.closing.close(request.account);
  request.accounts.forget(request.account);
  return empty(204);
}
