/**
 * How much an account may hold, as a reseller says: in all, or under one storage policy; bytes, or objects. Its users see the quotas
 * and cannot set them; resellers' own uploads are not held to them. Totals of an account follow its containers' by a moment.
 */
import { SYSTEM_PREFIX, USER_PREFIX } from '#proxy/core';
import type { PolicySet } from '#ring';
import type { ListingTotals } from '#storage-node/protocol';
import type { AccountMetadata } from '../account/facts.ts';
import type { UploadRule } from '../object/write.ts';
import { Refusal } from '../refusal.ts';
import type { SwiftRequest } from '../request.ts';
import { isDigits, quotaOf } from './container.ts';

const PREFIX = `${SYSTEM_PREFIX}quota-`;
/** What the first quotas were called, and some clients still call them. */
const OLDER = `${USER_PREFIX}quota-bytes`;

const KINDS = ['bytes', 'count'] as const;
type Kind = (typeof KINDS)[number];

/** The quotas that a PUT or POST of the account sets. Refuses those of anybody but a reseller, and what is no number. */
export function quotaChanges({ exchange, principal, store }: SwiftRequest): Record<string, string> {
  const changes: Record<string, string> = {};
  const note = (name: string, suffix: string): void => {
    if ((exchange.header(`x-remove-account-${suffix}`) ?? '') !== '') changes[name] = '';
    else if (exchange.header(`x-account-${suffix}`) !== undefined) changes[name] = exchange.header(`x-account-${suffix}`)!;
  };
  for (const kind of KINDS) {
    if (kind === 'bytes') note(PREFIX + kind, 'meta-quota-bytes');
    note(PREFIX + kind, `quota-${kind}`);
    for (const policy of store.cluster.policies) note(`${PREFIX}${kind}-policy-${policy.index}`, `quota-${kind}-policy-${policy.name.toLowerCase()}`);
  }
  const values = Object.values(changes);
  if (values.length > 0 && principal?.resellerAdmin !== true) throw new Refusal(403);
  if (values.some((value) => value !== '' && !isDigits(value))) throw new Refusal(400);
  return changes;
}

/** The headers that show an account's quotas. */
export function quotaHeaders(metadata: AccountMetadata, policies: PolicySet): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const kind of KINDS) {
    const word = kind === 'bytes' ? 'Bytes' : 'Count';
    const whole = metadata[PREFIX + kind];
    if (whole !== undefined) headers[`X-Account-Quota-${word}`] = whole;
    for (const policy of policies) {
      const own = metadata[`${PREFIX}${kind}-policy-${policy.index}`];
      if (own !== undefined) headers[`X-Account-Quota-${word}-Policy-${policy.name}`] = own;
    }
  }
  return headers;
}

/** Refuses an upload after which the account would hold more than it may. */
export const accountQuota: UploadRule = (request, container, { body }) => {
  if (request.principal?.resellerAdmin === true) return undefined;
  const known = request.accounts.peek(request.account);
  if (known !== undefined && !hasQuota(known)) return undefined;
  return hold(request, container.policy, body.sizeBytes ?? 0);
};

async function hold({ accounts, account, store }: SwiftRequest, policy: number, sizeBytes: number): Promise<void> {
  const metadata = await accounts.metadata(account);
  if (!hasQuota(metadata)) return;
  const info = await store.accounts.info(account);
  const quota = (kind: Kind): number | undefined => quotaOf(metadata[PREFIX + kind] ?? (kind === 'bytes' ? metadata[OLDER] : undefined));
  if (exceeds(info?.totals, { bytes: quota('bytes'), count: quota('count') }, sizeBytes)) throw new Refusal(413, 'Upload exceeds quota.');
  const ofPolicy = (kind: Kind): number | undefined => quotaOf(metadata[`${PREFIX}${kind}-policy-${policy}`]);
  if (exceeds(info?.totalsByPolicy[policy], { bytes: ofPolicy('bytes'), count: ofPolicy('count') }, sizeBytes)) throw new Refusal(413, 'Upload exceeds policy quota.');
}

function exceeds(totals: ListingTotals | undefined, quotas: Readonly<Record<Kind, number | undefined>>, sizeBytes: number): boolean {
  return (totals?.bytes ?? 0) + sizeBytes > (quotas.bytes ?? Infinity) || (totals?.objects ?? 0) + 1 > (quotas.count ?? Infinity);
}

function hasQuota(metadata: AccountMetadata): boolean {
  for (const name in metadata) if (name.startsWith(PREFIX) || name === OLDER) return true;
  return false;
}
