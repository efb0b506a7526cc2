/** Bucket policies as documents ("IAM JSON policy element reference"): read once, refused where they could not be meant. */
import { z } from 'zod';
import { S3Error } from '../../errors.ts';
import { isCondition } from './conditions.ts';

const MAX_POLICY_BYTES = 20 * 1024;

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

/** Reads a policy that stands on its own: of a user or a session, without principals. */
export function parsePolicy(text: string, ofBucket?: string): PolicyDocument {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) throw new S3Error('InvalidArgument', 'The policy exceeds the maximum allowed size of 20 KB');
  const parsed = document.safeParse(json(text));
  if (!parsed.success) throw new S3Error('MalformedPolicy', `The policy is not well formed: ${parsed.error.issues[0]?.path.map(String).join('.') ?? ''}`);
  return { statements: parsed.data.Statement.map((each) => readStatement(each, ofBucket)) };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new S3Error('MalformedPolicy', 'This policy contains invalid Json');
  }
}

function readStatement(raw: z.infer<typeof statement>, ofBucket: string | undefined): Statement {
  if ((raw.Action === undefined) === (raw.NotAction === undefined)) throw new S3Error('MalformedPolicy', 'Missing required field Action');
  if ((raw.Resource === undefined) === (raw.NotResource === undefined)) throw new S3Error('MalformedPolicy', 'Missing required field Resource');
  if (ofBucket !== undefined) {
    if ((raw.Principal === undefined) === (raw.NotPrincipal === undefined)) throw new S3Error('MalformedPolicy', 'Missing required field Principal');
    if (raw.NotPrincipal !== undefined && raw.Effect === 'Allow') throw new S3Error('MalformedPolicy', 'Allow with NotPrincipal is not allowed.');
    for (const resource of raw.Resource ?? raw.NotResource ?? []) checkResource(resource, ofBucket);
  }
  const actions = raw.Action ?? raw.NotAction ?? [];
  if (actions.some((action) => action !== '*' && !/^[a-z0-9-]+:[A-Za-z*?]+$/i.test(action))) throw new S3Error('MalformedPolicy', 'Policy has invalid action');
  const conditions = Object.entries(raw.Condition ?? {}).flatMap(([operator, keys]) => Object.entries(keys).map(([key, of]): Condition => ({ operator, key, values: of })));
  if (conditions.some(({ operator }) => !isCondition(operator))) throw new S3Error('MalformedPolicy', 'Policy has an invalid condition');
  return {
    sid: raw.Sid,
    effect: raw.Effect,
    principals: principalsOf(raw.Principal ?? raw.NotPrincipal ?? '*'),
    notPrincipals: raw.NotPrincipal !== undefined,
    actions: actions.map((action) => action.toLowerCase()),
    notActions: raw.NotAction !== undefined,
    resources: raw.Resource ?? raw.NotResource ?? [],
    notResources: raw.NotResource !== undefined,
    conditions,
  };
}

function checkResource(resource: string, bucket: string): void {
  const name = /^arn:aws:s3:[^:]*:[^:]*:([^/]*)/.exec(resource)?.[1];
  if (resource === '*') return;
  const fits = name !== undefined && new RegExp(`^${name.replace(/[.+^$()|[\]\\{}]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`, 's').test(bucket);
  if (!fits) throw new S3Error('MalformedPolicy', 'Policy has invalid resource');
}

function principalsOf(raw: z.infer<typeof principal>): Statement['principals'] {
  if (raw === '*') return 'anyone';
  const patterns = Object.entries(raw).flatMap(([kind, of]) => of.map((value) => ({ kind: kind as PrincipalPattern['kind'], value })));
  if (patterns.length === 0) throw new S3Error('MalformedPolicy', 'Invalid principal in policy');
  return patterns.some(({ kind, value }) => kind === 'AWS' && value === '*') ? 'anyone' : patterns;
}
