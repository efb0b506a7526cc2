/** What a policy says of a request: an explicit deny wins over every allow. */
import type { KeyHolder } from '#proxy/core';
import { holds, type Context } from './conditions.ts';
import type { PolicyDocument, PrincipalPattern, Statement } from './document.ts';
import { matchesPattern } from './pattern.ts';

export type Verdict = 'allow' | 'deny' | 'silent';

export interface Question {
  readonly caller: KeyHolder | undefined;
  /** e.g. `s3:GetObject`. */
  readonly action: string;
  /** e.g. `arn:aws:s3:::bucket/key`. */
  readonly resource: string;
  readonly context: Context;
}

export function verdictOf({ statements }: PolicyDocument, question: Question): Verdict {
  let verdict: Verdict = 'silent';
  for (const statement of statements) {
    if (!applies(statement, question)) continue;
    if (statement.effect === 'Deny') return 'deny';
    verdict = 'allow';
  }
  return verdict;
}

/** Whether it allows something to everybody, with nothing that narrows who that is. */
export function isPublicPolicy({ statements }: PolicyDocument): boolean {
  return statements.some(({ effect, principals, notPrincipals, conditions }) => effect === 'Allow' && (notPrincipals || principals === 'anyone') && !conditions.some(narrows));
}

/** Conditions that bind a statement to known callers ("The meaning of public" of the user guide). */
const NARROWING: ReadonlySet<string> = new Set([
  'aws:sourceip', 'aws:sourcearn', 'aws:sourcevpc', 'aws:sourcevpce', 'aws:sourceowner', 'aws:sourceaccount', 'aws:userid', 'aws:principalorgid', 'aws:principalorgpaths', 'aws:principalarn',
  'aws:principalaccount', 's3:dataaccesspointarn', 's3:dataaccesspointaccount', 's3:x-amz-server-side-encryption-aws-kms-key-id',
]);

function narrows({ key, values, operator }: Statement['conditions'][number]): boolean {
  if (!NARROWING.has(key.toLowerCase()) || /not/i.test(operator)) return false;
  return values.every((value) => !/^(?:\*|0\.0\.0\.0\/0|::\/0)$/.test(value) && !value.startsWith('*'));
}

function applies(statement: Statement, question: Question): boolean {
  const action = question.action.toLowerCase();
  if (statement.actions.some((pattern) => matchesPattern(pattern, action)) === statement.notActions) return false;
  const substitute = (text: string): string => substituted(text, question.context);
  if (statement.resources.some((pattern) => matchesPattern(substitute(pattern), question.resource)) === statement.notResources) return false;
  if (isNamed(statement.principals, question.caller) === statement.notPrincipals) return false;
  return statement.conditions.every((condition) => holds(condition, question.context, substitute));
}

function isNamed(principals: Statement['principals'], caller: KeyHolder | undefined): boolean {
  if (principals === 'anyone') return true;
  return caller !== undefined && principals.some((pattern) => names(pattern, caller));
}

function names({ kind, value }: PrincipalPattern, caller: KeyHolder): boolean {
  if (kind === 'CanonicalUser') return value === caller.canonicalId;
  if (kind !== 'AWS') return false;
  if (value === caller.project || value === caller.canonicalId) return true;
  const [, account, rest] = /^arn:aws:iam::([^:]*):(.*)$/.exec(value) ?? [];
  if (rest === undefined || (account !== '' && account !== caller.project)) return false;
  if (rest === 'root') return account === caller.project;
  return rest === `user/${caller.user}` || rest === `user/${caller.canonicalId}`;
}

export function principalArn({ project, user }: KeyHolder): string {
  return `arn:aws:iam::${project}:user/${user}`;
}

/** `${aws:username}` and the like; `${*}`, `${?}` and `${$}` are those characters. */
function substituted(text: string, context: Context): string {
  if (!text.includes('${')) return text;
  return text.replace(/\$\{([^},]+)(?:,\s*'([^']*)')?\}/g, (whole, key: string, otherwise: string | undefined) => (/^[*?$]$/.test(key) ? key : (context(key.toLowerCase())?.[0] ?? otherwise ?? whole)));
}
