/** A Swift request after the wall: its target as names, its parameters as text, and who sent it. Inside, these are facts. */
import type { Timestamp } from '#common';
import { parseQuery, percentDecode } from '#common/http';
import type { ContainerSummary, Principal, Store } from '#proxy/core';
import type { Exchange, Response } from '#proxy/edge';
import type { AccountFacts } from './account/facts.ts';
import type { Caller } from './authorize.ts';
import type { Info } from './info.ts';
import { HTML, Refusal } from './refusal.ts';
import type { SwiftSettings } from './settings.ts';

export interface SwiftRequest extends Caller {
  readonly exchange: Exchange;
  readonly store: Store;
  readonly account: string;
  readonly container: string | undefined;
  readonly object: string | undefined;
  readonly query: ReadonlyMap<string, string>;
  readonly principal: Principal | undefined;
  readonly info: Info;
  readonly accounts: AccountFacts;
  readonly settings: SwiftSettings;
  /** When another cluster's container sync says that it was written; undefined for all others. */
  readonly syncedAt?: Timestamp | undefined;
  /** Notes that the parts of an answer leave for each other. */
  readonly notes: Notes;
}

export interface Notes {
  /** The container that the client named. */
  readonly account: string;
  readonly container: string | undefined;
  /** What is known of it, once its rights were asked; undefined where it is not there. */
  summary?: ContainerSummary | undefined;
}

export interface ContainerRequest extends SwiftRequest {
  readonly container: string;
}

export interface ObjectRequest extends ContainerRequest {
  readonly object: string;
}

export type Handler<R extends SwiftRequest = SwiftRequest> = (request: R) => Promise<Response>;

/** Methods that change something. */
export const WRITES: ReadonlySet<string> = new Set(['PUT', 'POST', 'DELETE', 'COPY']);

export interface Target {
  readonly account: string;
  readonly container: string | undefined;
  readonly object: string | undefined;
}

/** `/v1/account[/container[/object]]`, percent-encoded, as names. Refuses other shapes in Swift's words. */
export function parseTarget(rawPath: string): Target {
  const path = decodePath(rawPath);
  const [, version, account, container, object] = /^\/([^/]*)(?:\/([^/]*)(?:\/([^/]*)(?:\/(.*))?)?)?$/s.exec(path) ?? [];
  if (account === undefined) throw new Refusal(412, 'Bad URL');
  if (version === '' || account === '' || (container === '' && object !== undefined && object !== '')) throw new Refusal(404);
  if (version !== 'v1' && version !== 'v1.0') throw new Refusal(400);
  return { account, container: container || undefined, object: object || undefined };
}

/** Decodes a path; 412 for what is not UTF-8 or holds a NUL. */
export function decodePath(rawPath: string): string {
  const path = percentDecode(rawPath);
  if (path === undefined || path.includes('\0')) throw new Refusal(412, 'Invalid UTF8 or contains NULL');
  return path;
}

/** Query parameters; 400 for what is not UTF-8. */
export function decodeQuery(rawQuery: string): ReadonlyMap<string, string> {
  const query = parseQuery(rawQuery);
  if (query === undefined) throw new Refusal(400, 'query parameters not utf-8 encoded');
  return query;
}

export { isTrue } from './is-true.ts';

/** An answer without a body, in the form Swift's clients expect of writes. */
export function empty(status: number, headers: Response['headers'] = {}): Response {
  return { status, headers: { 'Content-Type': HTML, ...headers } };
}
