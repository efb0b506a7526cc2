/** What a policy says of a request: an explicit deny wins over every allow, and of allows the one that names the caller most closely. */
import { holds, type Context } from './conditions.ts';
import type { PolicyDocument, PrincipalPattern, Statement } from './document.ts';
import { matchesPattern } from './pattern.ts';

/**
 * How closely an allow names the caller, which decides what else it takes ("Policy evaluation logic" of the IAM user guide): `account` leaves
 * it to the policies of the caller's account; `principal` allows the caller himself, within what bounds him; `session` allows exactly him, and
 * what bounds him counts for nothing but where it denies.
 */
export type Allowance = 'account' | 'principal' | 'session';
export type Verdict = Allowance | 'deny' | 'silent';

/** Who a policy may mean. */
export interface Nameable {
  /** What ARNs call the caller's account; '' outside of any. */
  readonly accountId: string;
  /** Other names of the account: its project, canonical ids. */
  readonly accountNames: readonly string[];
  readonly canonicalId: string;
  /** ARNs that mean the caller, each with what it allows him. */
  readonly arns: ReadonlyMap<string, Exclude<Allowance, 'account'>>;
  /** The identity provider that vouches for who assumes a role, by its ARN. */
  readonly federatedBy?: string | undefined;
}

export interface Question {
  /** Undefined for nobody in particular. */
  readonly caller: Nameable | undefined;
  /** e.g. `s3:GetObject`. */
  readonly action: string;
  /** e.g. `arn:aws:s3:::bucket/key`. */
  readonly resource: string;
  readonly context: Context;
}

const CLOSENESS: Readonly<Record<Verdict, number>> = { silent: 0, account: 1, principal: 2, session: 3, deny: 4 };

export function verdictOf({ statements }: PolicyDocument, question: Question): Verdict {
  let verdict: Verdict = 'silent';
  for (const statement of statements) {
    const said = saidBy(statement, question);
    if (CLOSENESS[said] > CLOSENESS[verdict]) verdict = said;
    if (verdict === 'deny') break;
  }
  return verdict;
}

/** What several policies of one caller say together: they speak of nobody else. */
export function verdictOfAll(policies: readonly PolicyDocument[], question: Question): 'allow' | 'deny' | 'silent' {
  let verdict: 'allow' | 'silent' = 'silent';
  for (const policy of policies) {
    const said = verdictOf(policy, question);
    if (said === 'deny') return 'deny';
    if (said !== 'silent') verdict = 'allow';
  }
  return verdict;
}

/** Whether it allows something to everybody, with nothing that narrows who that is. */
export function isPublicPolicy({ statements }: PolicyDocument): boolean {
  return statements.some(({ effect, principals, notPrincipals, conditions }) => effect === 'Allow' && (notPrincipals || principals === 'anyone') && !conditions.some(narrows));
}

/** Conditions that bind a statement to known callers ("The meaning of public" of the S3 user guide). */
const NARROWING: ReadonlySet<string> = new Set([
  'aws:sourceip', 'aws:sourcearn', 'aws:sourcevpc', 'aws:sourcevpce', 'aws:sourceowner', 'aws:sourceaccount', 'aws:userid', 'aws:principalorgid', 'aws:principalorgpaths', 'aws:principalarn',
  'aws:principalaccount', 's3:dataaccesspointarn', 's3:dataaccesspointaccount', 's3:x-amz-server-side-encryption-aws-kms-key-id',
]);

function narrows({ key, values, operator }: Statement['conditions'][number]): boolean {
  if (!NARROWING.has(key.toLowerCase()) || /not/i.test(operator)) return false;
  return values.every((value) => !/^(?:\*|0\.0\.0\.0\/0|::\/0)$/.test(value) && !value.startsWith('*'));
}

function saidBy(statement: Statement, question: Question): Verdict {
  const action = question.action.toLowerCase();
  if (statement.actions.some((pattern) => matchesPattern(pattern, action)) === statement.notActions) return 'silent';
  const substitute = (text: string): string => substituted(text, question.context);
  if (statement.resources.some((pattern) => matchesPattern(substitute(pattern), question.resource)) === statement.notResources) return 'silent';
  const named = namedBy(statement.principals, question.caller);
  if ((named !== undefined) === statement.notPrincipals) return 'silent';
  if (!statement.conditions.every((condition) => holds(condition, question.context, substitute))) return 'silent';
  return statement.effect === 'Deny' ? 'deny' : (named ?? 'principal');
}

function namedBy(principals: Statement['principals'], caller: Nameable | undefined): Allowance | undefined {
  if (principals === 'anyone') return 'principal';
  if (caller === undefined) return undefined;
  let closest: Allowance | undefined;
  for (const pattern of principals) {
    const named = names(pattern, caller);
    if (named !== undefined && (closest === undefined || CLOSENESS[named] > CLOSENESS[closest])) closest = named;
  }
  return closest;
}

function names({ kind, value }: PrincipalPattern, caller: Nameable): Allowance | undefined {
  switch (kind) {
    case 'CanonicalUser':
      return value === caller.canonicalId ? 'account' : undefined;
    case 'Federated':
      return caller.federatedBy !== undefined && value === caller.federatedBy ? 'principal' : undefined;
    case 'Service':
      return undefined;
    case 'AWS': {
      const named = caller.arns.get(value);
      if (named !== undefined) return named;
      const account = /^arn:aws:iam::([^:]+):root$/.exec(value)?.[1] ?? value;
      return account !== '' && (account === caller.accountId || caller.accountNames.includes(account)) ? 'account' : undefined;
    }
  }
}

/** `${aws:username}` and the like; `${*}`, `${?}` and `${$}` are those characters. */
function substituted(text: string, context: Context): string {
  if (!text.includes('${')) return text;
  return text.replace(/\$\{([^},]+)(?:,\s*'([^']*)')?\}/g, (whole, key: string, otherwise: string | undefined) => (/^[*?$]$/.test(key) ? key : (context(key.toLowerCase())?.[0] ?? otherwise ?? whole)));
}
