/**
 * Who may do what, as AWS documents it, in as few words as there are: sets of statements and a decision over them. It shares no line with the server, and knows
 * only what the matrix makes: one bucket with one object of its owner's.
 */

/** What a policy of the matrix says of an operation: it speaks of all of them, or of reading alone. */
export type Says = 'nothing' | 'allow' | 'allow reads' | 'deny' | 'deny writes';

export interface ModelPrincipal {
  readonly account: 'owner' | 'other' | undefined;
  /** The root of an account needs no policy. */
  readonly root: boolean;
  readonly identity: readonly Says[];
  readonly boundary?: Says | undefined;
  readonly session?: Says | undefined;
  /** A session of a role is named by its role or by itself. */
  readonly role: boolean;
}

/** Whom a policy of the bucket names. */
export type Named = 'everybody' | 'owner account' | 'other account' | 'the user' | 'the role' | 'the session' | 'the other user';

export interface ModelBucket {
  readonly policy: readonly { readonly named: Named; readonly says: Says }[];
  /** On the bucket and the object alike. */
  readonly acl: 'private' | 'public-read' | 'authenticated-read' | 'other account reads' | 'other account all';
  readonly block: boolean;
}

export interface ModelOperation {
  readonly writes: boolean;
  /** What a list must grant for it. */
  readonly permission: 'READ' | 'WRITE' | 'READ_ACP' | undefined;
  /** Of the bucket's policy: the root of its owner can always read it. */
  readonly ofPolicy?: boolean;
}

function speaks(says: Says | undefined, { writes }: ModelOperation): 'allow' | 'deny' | undefined {
  if (says === 'allow' || (says === 'allow reads' && !writes)) return 'allow';
  return says === 'deny' || (says === 'deny writes' && writes) ? 'deny' : undefined;
}

/** How the bucket's policy names the principal: not at all, by his account, himself among others, or exactly him. */
function nearness(named: Named, who: ModelPrincipal, name: string): 0 | 1 | 2 | 3 {
  if (named === 'everybody') return 2;
  if (who.account === undefined) return 0;
  if (named === `${who.account} account`) return 1;
  if (named === 'the role') return who.role ? 2 : 0;
  return named === name ? 3 : 0;
}

export function mayModel(who: ModelPrincipal, name: string, bucket: ModelBucket, operation: ModelOperation): boolean {
  const own = who.identity.map((says) => speaks(says, operation));
  const bounds = [who.boundary, who.session].filter((says) => says !== undefined).map((says) => speaks(says, operation));
  const statements = bucket.policy.map(({ named, says }) => ({ near: nearness(named, who, name), said: speaks(says, operation) })).filter(({ near, said }) => near > 0 && said !== undefined);
  if (own.includes('deny') || bounds.includes('deny')) return false;
  const unbound = bounds.every((said) => said === 'allow');
  if (statements.some(({ said }) => said === 'deny')) return who.account === 'owner' && who.root && unbound && operation.ofPolicy === true;
  const allows = who.account === undefined || ((who.root || own.includes('allow')) && unbound);
  const near = Math.max(0, ...statements.map((each) => each.near));
  const isPublic = bucket.policy.some(({ named, says }) => named === 'everybody' && says.startsWith('allow'));
  const counts = !(bucket.block && isPublic && who.account !== 'owner');
  if (counts && near > 0 && (allows || (who.account === 'owner' && (near === 3 || (near === 2 && unbound))))) return true;
  if (who.account === 'owner' && (who.root || own.includes('allow')) && unbound) return true;
  return allows && granted(who, bucket, operation);
}

function granted(who: ModelPrincipal, { acl, block }: ModelBucket, { permission }: ModelOperation): boolean {
  if (permission === undefined) return false;
  if (acl === 'public-read') return permission === 'READ' && !block;
  if (acl === 'authenticated-read') return permission === 'READ' && !block && who.account !== undefined;
  if (acl === 'other account reads') return permission === 'READ' && who.account === 'other';
  return acl === 'other account all' && who.account === 'other';
}
