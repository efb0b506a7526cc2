/** PUT of an account: for reseller admins, who open accounts before their owners use them. */
import type { Response } from '#proxy/edge';
import { authorize } from '../authorize.ts';
import { checkMetadataHeaders, CONSTRAINTS } from '../constraints.ts';
import { Refusal } from '../refusal.ts';
import { empty, type SwiftRequest } from '../request.ts';
import { userMetadataChanges } from '../user-metadata.ts';

export async function putAccount(request: SwiftRequest): Promise<Response> {
  const { store, account, exchange } = request;
  authorize(request, 'account-manage', account, undefined);
  const length = Buffer.byteLength(account);
  if (length > CONSTRAINTS.max_account_name_length) throw new Refusal(400, `Account name length of ${length} longer than ${CONSTRAINTS.max_account_name_length}`);
  checkMetadataHeaders('account', exchange.headers);
  const { created } = await store.accounts.put(account, userMetadataChanges('account', exchange.headers));
  return empty(created ? 201 : 202);
}
