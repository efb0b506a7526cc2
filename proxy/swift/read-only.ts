/** Clusters and accounts in which nothing is written (Swift's "read_only" middleware): while they are moved, counted or suspended. */
import { percentDecode } from '#common/http';
import type { AccountMetadata } from './account/facts.ts';
import { operatorChanges, READ_ONLY } from './account/operator.ts';
import { isTrue } from './is-true.ts';
import { HTML, Refusal } from './refusal.ts';
import type { SwiftRequest } from './request.ts';

/** Refuses a write with 405 where the account it goes to, or else the cluster, is read-only. */
export function refuseReadOnly(request: SwiftRequest): Promise<void> | undefined {
  const { exchange, settings, accounts } = request;
  if (exchange.method === 'DELETE' && settings.readOnly.allowDeletes) return undefined;
  const account = exchange.method === 'COPY' ? destinationOf(request) : request.account;
  const known = accounts.peek(account);
  if (known !== undefined) return check(request, known);
  return accounts.metadata(account).then((metadata) => check(request, metadata));
}

function check(request: SwiftRequest, metadata: AccountMetadata): undefined {
  const { settings, exchange, principal, container } = request;
  const own = metadata[READ_ONLY];
  if (!(own === undefined ? settings.readOnly.enabled : isTrue(own))) return undefined;
  // The operator's own word on the account must get through, or none could be taken back.
  const isOperators = container === undefined && exchange.method === 'POST' && Object.keys(operatorChanges(exchange.headers, principal?.resellerAdmin === true)).length > 0;
  if (!isOperators) throw new Refusal(405, 'Writes are disabled for this account.', { 'Content-Type': HTML });
  return undefined;
}

function destinationOf({ exchange, account }: SwiftRequest): string {
  const header = exchange.header('destination-account');
  return header === undefined ? account : (percentDecode(header) ?? account);
}
