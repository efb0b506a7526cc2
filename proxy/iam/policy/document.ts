/** Policies as documents ("IAM JSON policy element reference"): read once, refused where they could not be meant. */
import { z } from 'zod';
import { StoreError } from '#common';
import { isCondition } from './conditions.ts';

/** What a policy is attached to. It decides which elements it must have, and which it may not. */
export type PolicyUse =
  /** Of a bucket: says of whom it speaks, and speaks of that bucket alone. */
  | { readonly bucket: string }
  /** Of a user, a group, a role or a session: speaks of whoever has it. */
  | 'identity'
  /** Of a role: who may assume it. */
  | 'trust';

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  /** Undefined for everybody. */
  readonly principals: readonly PrincipalPattern[] | 'anyone';
  readonly notPrincipals: boolean;
  readonly actions: readonly string[];
  readonly notActions: boolean;
  readonly resources: readonly string[];
  readonly notResources: boolean;
  readonly conditions: readonly Condition[];
}

export interface PrincipalPattern {
  readonly kind: 'AWS' | 'CanonicalUser' | 'Service' | 'Federated';
  readonly value: string;
}

export interface Condition {
  /** As it was written, e.g. `ForAnyValue:StringLikeIfExists`. */
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

export interface PolicyDocument {
  readonly statements: readonly Statement[];
}

const many = z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => (typeof value === 'string' ? [value] : value));
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const values = z.union([scalar, z.array(scalar)]).transform((value) => (typeof value === 'string' ? [value] : value));
const principal = z.union([z.literal('*'), z.partialRecord(z.enum(['AWS', 'CanonicalUser', 'Service', 'Federated']), many)]);

const statement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: principal.optional(),
  NotPrincipal: principal.optional(),
  Action: many.optional(),
  NotAction: many.optional(),
  Resource: many.optional(),
  NotResource: many.optional(),
  Condition: z.record(z.string(), z.record(z.string(), values)).optional(),
});

const document = z.strictObject({
  Version: z.enum(['2012-10-17', '2008-10-17']).optional(),
  Id: z.string().optional(),
  Statement: z.union([statement, z.array(statement).min(1)]).transform((value) => (Array.isArray(value) ? value : [value])),
});

/** Reads a policy. Throws `bad-request` that says MalformedPolicy, and why. */
export function parsePolicy(text: string, use: PolicyUse): PolicyDocument {
  const parsed = document.safeParse(json(text));
  if (!parsed.success) throw malformed(`The policy is not well formed: ${parsed.error.issues[0]?.path.map(String).join('.') ?? ''}`);
  const statements = parsed.data.Statement.map((each) => readStatement(each, use));
  const sids = statements.flatMap(({ sid }) => (sid === undefined || sid === '' ? [] : [sid]));
  if (use === 'identity' && new Set(sids).size < sids.length) throw malformed('Statement IDs (SID) in a single policy must be unique.');
  return { statements };
}

function malformed(message: string): StoreError {
  return new StoreError('bad-request', message, { detail: { code: 'MalformedPolicy' } });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('This policy contains invalid Json');
  }
}

type RawStatement = z.infer<typeof statement>;

function readStatement(raw: RawStatement, use: PolicyUse): Statement {
  checkElements(raw, use);
  const actions = raw.Action ?? raw.NotAction ?? [];
  if (actions.some((action) => action !== '*' && !/^[a-z0-9-]+:[A-Za-z*?]+$/i.test(action))) throw malformed('Policy has invalid action');
  const conditions = Object.entries(raw.Condition ?? {}).flatMap(([operator, keys]) => Object.entries(keys).map(([key, of]): Condition => ({ operator, key, values: of })));
  if (conditions.some(({ operator }) => !isCondition(operator))) throw malformed('Policy has an invalid condition');
  return {
    sid: raw.Sid,
    effect: raw.Effect,
    principals: principalsOf(raw.Principal ?? raw.NotPrincipal ?? '*'),
    notPrincipals: raw.NotPrincipal !== undefined,
    actions: actions.map((action) => action.toLowerCase()),
    notActions: raw.NotAction !== undefined,
    resources: raw.Resource ?? raw.NotResource ?? ['*'],
    notResources: raw.NotResource !== undefined,
    conditions,
  };
}

function checkElements(raw: RawStatement, use: PolicyUse): void {
  if ((raw.Action === undefined) === (raw.NotAction === undefined)) throw malformed('Missing required field Action');
  const resource = raw.Resource ?? raw.NotResource;
  if (use === 'trust') {
    if (resource !== undefined) throw malformed('Has prohibited field Resource');
  } else if ((raw.Resource === undefined) === (raw.NotResource === undefined)) {
    throw malformed('Missing required field Resource');
  }
  if (use === 'identity') {
    if (raw.Principal !== undefined || raw.NotPrincipal !== undefined) throw malformed('Policy document should not specify a principal.');
    return;
  }
  if ((raw.Principal === undefined) === (raw.NotPrincipal === undefined)) throw malformed('Missing required field Principal');
  if (raw.NotPrincipal !== undefined && raw.Effect === 'Allow') throw malformed('Allow with NotPrincipal is not allowed.');
  if (use !== 'trust') for (const each of resource ?? []) checkResource(each, use.bucket);
}

function checkResource(resource: string, bucket: string): void {
  const name = /^arn:aws:s3:[^:]*:[^:]*:([^/]*)/.exec(resource)?.[1];
  if (resource === '*') return;
  const fits = name !== undefined && new RegExp(`^${name.replace(/[.+^$()|[\]\\{}]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`, 's').test(bucket);
  if (!fits) throw malformed('Policy has invalid resource');
}

function principalsOf(raw: z.infer<typeof principal>): Statement['principals'] {
  if (raw === '*') return 'anyone';
  const patterns = Object.entries(raw).flatMap(([kind, of]) => of.map((value) => ({ kind: kind as PrincipalPattern['kind'], value })));
  if (patterns.length === 0) throw malformed('Invalid principal in policy');
  return patterns.some(({ kind, value }) => kind === 'AWS' && value === '*') ? 'anyone' : patterns;
}
