/** Object lock: retention and legal holds of single versions, and what a bucket gives to those that ask for nothing. */
import type { Metadata } from '#storage-node/protocol';
import { isAllowed } from '../access/authorize.ts';
import type { Bucket } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import type { BucketRequest } from '../request.ts';
import { malformed, type XmlElement } from '../xml/parse.ts';
import { OBJECT_LEGAL_HOLD, OBJECT_RETENTION } from './metadata.ts';

export type LockMode = 'GOVERNANCE' | 'COMPLIANCE';

export interface Retention {
  readonly mode: LockMode;
  readonly untilMs: number;
}

export interface LockConfiguration {
  readonly enabled: boolean;
  readonly mode?: LockMode | undefined;
  readonly days?: number | undefined;
  readonly years?: number | undefined;
}

const DAY_MS = 86_400_000;

export function lockConfigurationOf(bucket: Bucket): LockConfiguration | undefined {
  return bucket.parsed('objectLock', (text) => JSON.parse(text) as LockConfiguration);
}

export function parseMode(text: string | undefined): LockMode {
  if (text === 'GOVERNANCE' || text === 'COMPLIANCE') return text;
  throw malformed();
}

/** Reads an ObjectLockConfiguration. */
export function lockConfigurationOfXml(root: XmlElement): LockConfiguration {
  if (root.textOf('ObjectLockEnabled') !== 'Enabled') throw malformed();
  const rule = root.one('Rule')?.must('DefaultRetention');
  if (rule === undefined) return { enabled: true };
  const mode = parseMode(rule.textOf('Mode'));
  const [days, years] = [rule.textOf('Days'), rule.textOf('Years')];
  if ((days === undefined) === (years === undefined)) throw malformed();
  const amount = Number(days ?? years);
  if (!Number.isInteger(amount) || amount <= 0) throw new S3Error('InvalidRetentionPeriod', 'Default retention period must be a positive integer value.');
  if (amount > (days === undefined ? 100 : 36_500)) throw new S3Error('InvalidRetentionPeriod', 'Default retention period is too long.');
  return days === undefined ? { enabled: true, mode, years: amount } : { enabled: true, mode, days: amount };
}

/** The retention and hold that a new version gets: from headers, or by the bucket's default. */
export function lockMetadata(request: BucketRequest): Record<string, string> {
  const { exchange, bucket, store } = request;
  const [mode, until, hold] = ['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date', 'x-amz-object-lock-legal-hold'].map((name) => exchange.header(name));
  const configuration = lockConfigurationOf(bucket);
  const asked = mode !== undefined || until !== undefined || hold !== undefined;
  if (configuration === undefined) {
    if (asked) throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration');
    return {};
  }
  if ((mode === undefined) !== (until === undefined)) throw new S3Error('InvalidArgument', 'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied');
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF') throw new S3Error('InvalidArgument', 'Legal Hold must be either of ON or OFF');
  const nowMs = store.cluster.clock.nowMs();
  const metadata: Record<string, string> = hold === undefined ? {} : { [OBJECT_LEGAL_HOLD]: hold };
  if (mode !== undefined && until !== undefined) {
    if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw new S3Error('InvalidArgument', 'Unknown wormMode directive.');
    return { ...metadata, [OBJECT_RETENTION]: packRetention({ mode, untilMs: parseUntil(until, nowMs) }) };
  }
  const { mode: defaultMode, days, years } = configuration;
  if (defaultMode === undefined) return metadata;
  return { ...metadata, [OBJECT_RETENTION]: packRetention({ mode: defaultMode, untilMs: nowMs + (days ?? (years ?? 0) * 365) * DAY_MS }) };
}

/** A date to come. */
export function parseUntil(text: string, nowMs: number): number {
  const untilMs = Date.parse(text);
  if (Number.isNaN(untilMs)) throw new S3Error('InvalidArgument', 'The retain until date must be provided in ISO 8601 format');
  if (untilMs <= nowMs) throw new S3Error('InvalidArgument', 'The retain until date must be in the future!');
  return untilMs;
}

export function packRetention({ mode, untilMs }: Retention): string {
  return `${mode} ${new Date(untilMs).toISOString()}`;
}

export function retentionOf(metadata: Metadata): Retention | undefined {
  const text = metadata[OBJECT_RETENTION];
  if (text === undefined || text === '') return undefined;
  const [mode, until] = text.split(' ') as [LockMode, string];
  return { mode, untilMs: Date.parse(until) };
}

/** Whether a version may not be ended by whoever has no power over governance. */
export function isLocked(metadata: Metadata, nowMs: number): boolean {
  return metadata[OBJECT_LEGAL_HOLD] === 'ON' || (retentionOf(metadata)?.untilMs ?? 0) > nowMs;
}

/** Refuses to end a version that is locked: under a legal hold, or retained still, unless governance is bypassed by who may. */
export function refuseLocked(request: BucketRequest, metadata: Metadata, key: string, bypass: boolean): void {
  if (metadata[OBJECT_LEGAL_HOLD] === 'ON') throw locked();
  const retention = retentionOf(metadata);
  if (retention === undefined || retention.untilMs <= request.store.cluster.clock.nowMs()) return;
  if (retention.mode === 'GOVERNANCE' && bypass && mayBypass(request, key)) return;
  throw locked();
}

export function mayBypass(request: BucketRequest, key: string): boolean {
  return isAllowed(request, { action: 's3:BypassGovernanceRetention', key });
}

export function asksBypass({ exchange }: BucketRequest): boolean {
  return exchange.header('x-amz-bypass-governance-retention')?.toLowerCase() === 'true';
}

function locked(): S3Error {
  return new S3Error('AccessDenied', 'Access Denied because object protected by object lock.');
}
