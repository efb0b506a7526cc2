/**
 * Whether a caller may do something, out of all that speaks of it, in the order that AWS documents ("Policy evaluation logic" of the IAM user
 * guide): an explicit deny anywhere ends it; then within one account either side may allow, and between accounts both must; and what bounds the
 * caller (a permissions boundary, the policies of a session) must allow it too, but where a resource's policy names exactly him.
 */
import type { Caller } from './caller.ts';
import { verdictOfAll, type Question, type Verdict } from './policy/verdict.ts';

/** What a caller's own policies say of an action. */
export interface Standing {
  readonly denied: boolean;
  /** May make use of what somebody else grants to the account, or to everybody. */
  readonly mayUseGrants: boolean;
  /** May do it to what is his account's own. */
  readonly mayInOwnAccount: boolean;
  /** Nothing that bounds the caller is in the way. */
  readonly withinBounds: boolean;
}

const ANONYMOUS: Standing = { denied: false, mayUseGrants: true, mayInOwnAccount: false, withinBounds: true };
const TRUSTED = ANONYMOUS;

export function standingOf(caller: Caller | undefined, question: Question): Standing {
  if (caller === undefined) return ANONYMOUS;
  const { policies, boundary, session, trusted } = caller;
  if (trusted && policies.length === 0 && boundary === undefined && session?.policies === undefined) return TRUSTED;
  const said = verdictOfAll(policies, question);
  const limits = [boundary === undefined ? 'allow' : verdictOfAll([boundary], question), session?.policies === undefined ? 'allow' : verdictOfAll(session.policies, question)];
  const withinBounds = limits.every((limit) => limit === 'allow');
  return { denied: said === 'deny' || limits.includes('deny'), mayUseGrants: withinBounds && (trusted || said === 'allow'), mayInOwnAccount: withinBounds && said === 'allow', withinBounds };
}

/** Whether the policy of a resource lets the caller in. */
export function letsIn(verdict: Verdict, { standing, sameAccount }: { standing: Standing; sameAccount: boolean }): boolean {
  switch (verdict) {
    case 'deny':
    case 'silent':
      return false;
    case 'account':
      return standing.mayUseGrants;
    case 'principal':
      return sameAccount ? standing.withinBounds : standing.mayUseGrants;
    case 'session':
      return sameAccount || standing.mayUseGrants;
  }
}

/** Whether the caller may do what no resource's policy speaks of, in his own account: `owner` where he needs no policy for it. */
export function permits(caller: Caller, question: Question, owner: boolean): boolean {
  const standing = standingOf(caller, question);
  return !standing.denied && (standing.mayInOwnAccount || (owner && standing.withinBounds));
}
