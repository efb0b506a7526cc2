/** Lifecycle rules of buckets, read from XML and shown again: what ends when. */
import { randomBytes } from 'node:crypto';
import { S3Error } from '../errors.ts';
import { malformed, type XmlElement } from '../xml/parse.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

export interface LifecycleRule {
  readonly id: string;
  readonly enabled: boolean;
  /** Whether the prefix stood in a Filter, as it is shown again. */
  readonly filtered: boolean;
  readonly prefix: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly sizeGreater?: number | undefined;
  readonly sizeLess?: number | undefined;
  readonly expiration?: { readonly days?: number | undefined; readonly dateMs?: number | undefined; readonly marker?: boolean | undefined } | undefined;
  readonly noncurrent?: { readonly days: number; readonly newer?: number | undefined } | undefined;
  readonly abortDays?: number | undefined;
}

const MAX_RULES = 1000;
const MAX_ID = 255;
const MAX_NEWER = 100;

export function rulesOfXml(root: XmlElement): LifecycleRule[] {
  const rules = root.all('Rule').map(ruleOf);
  if (rules.length === 0 || rules.length > MAX_RULES) throw malformed();
  if (new Set(rules.map(({ id }) => id)).size !== rules.length) throw new S3Error('InvalidArgument', 'Rule ID must be unique. Found same ID for more than one rule');
  return rules;
}

function ruleOf(rule: XmlElement): LifecycleRule {
  const id = rule.textOf('ID') ?? '';
  if (id.length > MAX_ID) throw new S3Error('InvalidArgument', `ID length should not exceed allowed limit of ${MAX_ID}`);
  const status = rule.textOf('Status');
  if (status !== 'Enabled' && status !== 'Disabled') throw malformed();
  const filter = rule.one('Filter');
  if (filter !== undefined && rule.one('Prefix') !== undefined) throw malformed();
  if (filter === undefined && rule.one('Prefix') === undefined) throw malformed();
  const within = filter?.one('And') ?? filter;
  const expiration = expirationOf(rule.one('Expiration'));
  const noncurrent = noncurrentOf(rule.one('NoncurrentVersionExpiration'));
  const abort = rule.one('AbortIncompleteMultipartUpload');
  const transitions = [...rule.all('Transition'), ...rule.all('NoncurrentVersionTransition')];
  for (const transition of transitions) if (transition.one('Date') !== undefined) dateOf(transition.textOf('Date')!);
  if (transitions.length > 0) throw new S3Error('NotImplemented', 'Transitions between storage classes are not available');
  if (expiration === undefined && noncurrent === undefined && abort === undefined) throw new S3Error('InvalidRequest', 'At least one action needs to be specified in a rule');
  return {
    id: id === '' ? randomBytes(18).toString('base64url') : id,
    enabled: status === 'Enabled',
    filtered: filter !== undefined,
    prefix: (filter === undefined ? rule.one('Prefix')?.text : within?.one('Prefix')?.text) ?? '',
    tags: (within?.all('Tag') ?? []).map((tag) => [tag.must('Key').text, tag.must('Value').text] as const),
    sizeGreater: wholeOf(within?.textOf('ObjectSizeGreaterThan')),
    sizeLess: wholeOf(within?.textOf('ObjectSizeLessThan')),
    expiration,
    noncurrent,
    abortDays: abort === undefined ? undefined : daysOf(abort.textOf('DaysAfterInitiation')),
  };
}

function expirationOf(expiration: XmlElement | undefined): LifecycleRule['expiration'] {
  if (expiration === undefined) return undefined;
  const [days, date, marker] = [expiration.textOf('Days'), expiration.textOf('Date'), expiration.textOf('ExpiredObjectDeleteMarker')];
  if ([days, date, marker].filter((text) => text !== undefined).length !== 1) throw malformed();
  if (days !== undefined) return { days: daysOf(days) };
  return date === undefined ? { marker: marker?.toLowerCase() === 'true' } : { dateMs: dateOf(date) };
}

function noncurrentOf(noncurrent: XmlElement | undefined): LifecycleRule['noncurrent'] {
  if (noncurrent === undefined) return undefined;
  const newer = wholeOf(noncurrent.textOf('NewerNoncurrentVersions'));
  if (newer !== undefined && (newer < 1 || newer > MAX_NEWER)) throw new S3Error('InvalidArgument', `NewerNoncurrentVersions must be between 1 and ${MAX_NEWER}`);
  return { days: daysOf(noncurrent.textOf('NoncurrentDays')), newer };
}

function daysOf(text: string | undefined): number {
  const days = wholeOf(text);
  if (days === undefined || days < 1) throw new S3Error('InvalidArgument', "'Days' for Expiration action must be a positive integer");
  return days;
}

function wholeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw malformed();
  return Number(text);
}

/** Midnight of a day, in ISO 8601. */
function dateOf(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]00:?00)?)?$/.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text) : Number.NaN;
  if (Number.isNaN(ms)) throw malformed();
  if (ms % 86_400_000 !== 0) throw new S3Error('InvalidArgument', "'Date' must be at midnight GMT");
  return ms;
}

export function rulesXml(rules: readonly LifecycleRule[]): string {
  return xmlDocument('LifecycleConfiguration', ...rules.map(ruleXml));
}

function ruleXml({ id, enabled, filtered, prefix, tags, sizeGreater, sizeLess, expiration, noncurrent, abortDays }: LifecycleRule): string {
  const conditions = [...(prefix === '' ? [] : [leaf('Prefix', prefix)]), ...tags.map(([key, value]) => element('Tag', leaf('Key', key), leaf('Value', value)))];
  if (sizeGreater !== undefined) conditions.push(leaf('ObjectSizeGreaterThan', sizeGreater));
  if (sizeLess !== undefined) conditions.push(leaf('ObjectSizeLessThan', sizeLess));
  const filter = conditions.length > 1 ? element('And', ...conditions) : (conditions[0] ?? leaf('Prefix', ''));
  const { days, dateMs, marker } = expiration ?? {};
  const date = dateMs === undefined ? undefined : new Date(dateMs).toISOString();
  return element(
    'Rule',
    leaf('ID', id),
    filtered ? element('Filter', filter) : leaf('Prefix', prefix),
    leaf('Status', enabled ? 'Enabled' : 'Disabled'),
    expiration === undefined ? '' : element('Expiration', leaf('Days', days), leaf('Date', date), leaf('ExpiredObjectDeleteMarker', marker)),
    noncurrent === undefined ? '' : element('NoncurrentVersionExpiration', leaf('NoncurrentDays', noncurrent.days), leaf('NewerNoncurrentVersions', noncurrent.newer)),
    abortDays === undefined ? '' : element('AbortIncompleteMultipartUpload', leaf('DaysAfterInitiation', abortDays)),
  );
}
