/** A call of the identity or token service: its parameters as AWS's query protocol has them, who sent it, and what he may. */
import type { Exchange } from '#proxy/edge';
import { element, leaf } from '#common/xml';
import { callerValues, type Caller } from './caller.ts';
import type { Tags } from './entities.ts';
import { permits } from './evaluation.ts';
import { IamFault } from './faults.ts';
import type { Identities } from './identities.ts';
import type { PageQuery } from './named-records.ts';
import type { SessionTokens } from './session-tokens.ts';
import type { WebIdentities } from './web-identity.ts';

export interface Call {
  readonly action: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly caller: Caller;
  /** The account that it is about: the caller's. */
  readonly account: string;
  readonly identities: Identities;
  readonly tokens: SessionTokens;
  readonly webIdentities: WebIdentities;
  readonly exchange: Exchange;
  readonly nowMs: number;
}

/** Answers what is in the result element. */
export type Operation = (call: Call) => Promise<string>;

const MAX_MEMBERS = 200;
const MAX_ITEMS = 1000;

export function text({ parameters }: Pick<Call, 'parameters'>, name: string): string | undefined {
  const value = parameters.get(name);
  return value === '' ? undefined : value;
}

export function required(call: Pick<Call, 'parameters'>, name: string, form?: RegExp): string {
  const value = text(call, name);
  if (value === undefined) throw new IamFault('ValidationError', `1 validation error detected: Value null at '${lowered(name)}' failed to satisfy constraint: Member must not be null`);
  if (form !== undefined && !form.test(value)) throw new IamFault('ValidationError', `1 validation error detected: Value at '${lowered(name)}' failed to satisfy constraint: Member must satisfy regular expression pattern: ${form.source}`);
  return value;
}

export function numeric(call: Pick<Call, 'parameters'>, name: string, { least, most, otherwise }: { least: number; most: number; otherwise: number }): number {
  const value = text(call, name);
  const number = value === undefined ? otherwise : Number(value);
  if (!Number.isInteger(number) || number < least || number > most) throw new IamFault('ValidationError', `1 validation error detected: Value '${value ?? ''}' at '${lowered(name)}' failed to satisfy constraint: Member must be between ${least} and ${most}`);
  return number;
}

/** `Name.member.1`, `Name.member.2`, ... */
export function members({ parameters }: Pick<Call, 'parameters'>, name: string): string[] {
  const found: string[] = [];
  for (let i = 1; i <= MAX_MEMBERS; i++) {
    const value = parameters.get(`${name}.member.${i}`);
    if (value === undefined) break;
    found.push(value);
  }
  return found;
}

/** `Tags.member.1.Key`, `Tags.member.1.Value`, ... */
export function tagsOf(call: Pick<Call, 'parameters'>): Tags {
  const tags: [string, string][] = [];
  for (let i = 1; i <= MAX_MEMBERS; i++) {
    const key = call.parameters.get(`Tags.member.${i}.Key`);
    if (key === undefined) break;
    if (key === '' || key.length > 128) throw new IamFault('ValidationError', 'A tag key must have 1 to 128 characters.');
    const value = call.parameters.get(`Tags.member.${i}.Value`) ?? '';
    if (value.length > 256) throw new IamFault('ValidationError', 'A tag value may have 256 characters.');
    tags.push([key, value]);
  }
  if (tags.length > 50) throw new IamFault('LimitExceeded', 'Cannot exceed quota for TagsPerResource: 50');
  if (new Set(tags.map(([key]) => key.toLowerCase())).size < tags.length) throw new IamFault('InvalidInput', 'Duplicate tag keys found. Please note that Tag keys are case insensitive.');
  return tags;
}

export function pageQuery(call: Call): PageQuery {
  return { marker: text(call, 'Marker') ?? '', limit: numeric(call, 'MaxItems', { least: 1, most: MAX_ITEMS, otherwise: 100 }), pathPrefix: text(call, 'PathPrefix') ?? '/' };
}

const PATH = /^\/(?:[!-~]+\/)?$/;

export function pathOf(call: Call, name = 'Path'): string {
  const path = text(call, name) ?? '/';
  if (!PATH.test(path) || path.length > 512) throw new IamFault('ValidationError', `The specified value for ${lowered(name)} is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.`);
  return path;
}

/** Refuses what the caller may not do with the identity of that ARN. */
export function authorize(call: Call, resource: string, { action = `iam:${call.action}`, values = {} }: { action?: string; values?: Readonly<Record<string, readonly string[] | undefined>> } = {}): void {
  if (!mayDo(call, resource, { action, values })) throw new IamFault('AccessDenied', `User: ${call.caller.arn} is not authorized to perform: ${action} on resource: ${resource}`);
}

function mayDo(call: Call, resource: string, { action, values }: { action: string; values: Readonly<Record<string, readonly string[] | undefined>> }): boolean {
  const { caller } = call;
  return permits(caller, { caller, action, resource, context: (key) => values[key] ?? requestValues(call, key) }, caller.managesIdentities);
}

/** What conditions can ask of any call. */
export function requestValues({ exchange, nowMs, caller }: Pick<Call, 'exchange' | 'nowMs'> & { caller: Caller | undefined }, key: string): readonly string[] | undefined {
  switch (key) {
    case 'aws:sourceip':
      return [exchange.remoteAddress];
    case 'aws:securetransport':
      return [String(exchange.scheme === 'https')];
    case 'aws:currenttime':
      return [new Date(nowMs).toISOString()];
    case 'aws:epochtime':
      return [String(Math.floor(nowMs / 1000))];
    case 'aws:useragent': {
      const agent = exchange.header('user-agent');
      return agent === undefined ? undefined : [agent];
    }
    default:
      return callerValues(caller, key);
  }
}

/** Conditions on the tags that a request brings. */
export function requestTagValues(tags: Tags): Readonly<Record<string, readonly string[]>> {
  const keys: readonly (readonly [string, readonly string[]])[] = tags.length === 0 ? [] : [['aws:tagkeys', tags.map(([key]) => key)]];
  return Object.fromEntries([...keys, ...tags.map(([key, value]) => [`aws:requesttag/${key.toLowerCase()}`, [value]] as const)]);
}

export function listXml(name: string, entries: readonly string[]): string {
  return element(name, ...entries.map((entry) => element('member', entry)));
}

export function tagsXml(tags: Tags): string {
  return tags.length === 0 ? '' : listXml('Tags', tags.map(([key, value]) => leaf('Key', key) + leaf('Value', value)));
}

/** `IsTruncated`, and `Marker` where it is. */
export function pagingXml(next: string | undefined): string {
  return leaf('IsTruncated', next !== undefined) + leaf('Marker', next);
}

export function dateXml(name: string, atMs: number): string {
  return leaf(name, new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z'));
}

function lowered(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** A page of what is all there already. */
export function pageOfAll<T>(all: readonly T[], nameOf: (entry: T) => string, { marker, limit }: Pick<PageQuery, 'marker' | 'limit'>): { entries: readonly T[]; next: string | undefined } {
  const after = all.filter((entry) => marker === '' || nameOf(entry) > marker);
  const entries = after.slice(0, limit);
  return { entries, next: after.length > limit ? nameOf(entries.at(-1)!) : undefined };
}
