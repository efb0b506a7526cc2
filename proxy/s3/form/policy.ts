/** The policy of a form: until when, and what its fields may say ("POST policy" of the API reference). */
import { S3Error } from '../errors.ts';

export interface LengthRange {
  readonly min: number;
  readonly max: number;
}

type Condition = { readonly kind: 'eq' | 'starts-with'; readonly field: string; readonly value: string } | ({ readonly kind: 'length' } & LengthRange);

/** Fields that need no condition. */
const EXEMPT: ReadonlySet<string> = new Set(['awsaccesskeyid', 'signature', 'policy', 'file', 'x-amz-signature', 'x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-security-token']);

/** Checks the form's fields (by lower-case name, with `bucket`) against its policy. Answers how long the file may be. */
export function checkPolicy(encoded: string, fields: ReadonlyMap<string, string>, nowMs: number): LengthRange | undefined {
  const { expiration, conditions } = parse(encoded);
  if (expiration <= nowMs) throw new S3Error('AccessDenied', 'Invalid according to Policy: Policy expired.');
  const covered = new Set<string>();
  let length: LengthRange | undefined;
  for (const condition of conditions) {
    if (condition.kind === 'length') {
      length = condition;
      continue;
    }
    const { kind, field, value } = condition;
    covered.add(field);
    const given = fields.get(field) ?? '';
    if (!holds(kind, field, given, value)) throw new S3Error('AccessDenied', `Invalid according to Policy: Policy Condition failed: ["${kind}", "$${field}", "${value}"]`);
  }
  for (const field of fields.keys()) {
    if (!covered.has(field) && !EXEMPT.has(field) && !field.startsWith('x-ignore-') && !field.startsWith('x-amz-checksum-')) throw new S3Error('AccessDenied', `Invalid according to Policy: Extra input fields: ${field}`);
  }
  return length;
}

/** A content type may be a list: each of it must begin so. */
function holds(kind: 'eq' | 'starts-with', field: string, given: string, value: string): boolean {
  if (kind === 'eq') return given === value;
  return field === 'content-type' ? given.split(',').every((each) => each.trim().startsWith(value)) : given.startsWith(value);
}

function parse(encoded: string): { expiration: number; conditions: Condition[] } {
  let policy: unknown;
  try {
    policy = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  } catch {
    throw invalid('Invalid Policy: Invalid JSON.');
  }
  if (typeof policy !== 'object' || policy === null) throw invalid('Invalid Policy: Invalid JSON.');
  const { expiration, conditions } = policy as { expiration?: unknown; conditions?: unknown };
  if (typeof expiration !== 'string') throw invalid('Invalid Policy: Policy missing expiration.');
  const expirationMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(expiration) ? Date.parse(expiration) : Number.NaN;
  if (Number.isNaN(expirationMs)) throw invalid(`Invalid Policy: Invalid 'expiration' value: '${expiration}'`);
  if (!Array.isArray(conditions) || conditions.length === 0) throw invalid('Invalid Policy: Policy missing conditions.');
  return { expiration: expirationMs, conditions: conditions.flatMap(conditionsOf) };
}

function conditionsOf(raw: unknown): Condition[] {
  if (!Array.isArray(raw)) {
    if (typeof raw !== 'object' || raw === null || Object.keys(raw).length === 0) throw invalid('Invalid Policy: Invalid Simple-Condition.');
    return Object.entries(raw).map(([field, value]) => ({ kind: 'eq', field: field.toLowerCase(), value: String(value) }));
  }
  const [operator, first, second] = raw as unknown[];
  const kind = typeof operator === 'string' ? operator.toLowerCase() : '';
  if (kind === 'content-length-range') {
    const [min, max] = [Number(first), Number(second)];
    if (raw.length !== 3 || !Number.isInteger(min) || !Number.isInteger(max) || min < 0 || max < min) throw invalid('Invalid Policy: Invalid content-length-range.');
    return [{ kind: 'length', min, max }];
  }
  if ((kind !== 'eq' && kind !== 'starts-with') || raw.length !== 3 || typeof first !== 'string' || !first.startsWith('$') || typeof second !== 'string') throw invalid('Invalid Policy: Invalid Condition.');
  return [{ kind, field: first.slice(1).toLowerCase(), value: second }];
}

function invalid(message: string): S3Error {
  return new S3Error('InvalidPolicyDocument', message);
}
