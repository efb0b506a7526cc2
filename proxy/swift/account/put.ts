/** PUT of an account: for reseller admins, who open accounts before their owners use them. */
import type { Response } from '#proxy/edge';
import { checkMetadataHeaders, CONSTRAINTS } from '../constraints.ts';
import { Refusal } from '../refusal.ts';
import { empty, type SwiftRequest } from '../request.ts';
import { authorizeAccount } from './access.ts';
import { accountChanges } from './headers.ts';

export async function putAccount(request: SwiftRequest): Promise<Response> {
  const { store, account, exchange } = request;
  await authorizeAccount(request, 'account-manage');
  if (!request.settings.accountManagement) throw new Refusal(405, undefined, { Allow: 'GET, HEAD, OPTIONS, POST' });
  const length = Buffer.byteLength(account);
  if (length > CONSTRAINTS.max_account_name_length) throw new Refusal(400, `Account name length of ${length} longer than ${CONSTRAINTS.max_account_name_length}`);
  checkMetadataHeaders('account', exchange.headers);
  const { created } = await store.accounts.put(account, accountChanges(request));
  request.accounts.forget(account);
  return empty(created ? 201 : 202);
}
