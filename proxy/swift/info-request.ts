/** Requests for /info: to everybody what is public, to operators who sign with the admin key the admin section too. */
import { createHmac } from 'node:crypto';
import type { Exchange, Response } from '#proxy/edge';
import type { Info } from './info.ts';
import { Refusal } from './refusal.ts';
import { decodeQuery } from './request.ts';
import { sameText } from './same-text.ts';
import type { SwiftSettings } from './settings.ts';

const ALLOW = 'GET, HEAD, OPTIONS';

export function answerInfo(exchange: Exchange, info: Info, settings: SwiftSettings['info'], nowMs: number): Response {
  const { method } = exchange;
  if (method === 'OPTIONS') return { status: 200, headers: { Allow: ALLOW } };
  if (method !== 'GET' && method !== 'HEAD') throw new Refusal(405, undefined, { Allow: ALLOW });
  if (!settings.expose) throw new Refusal(403);
  const query = decodeQuery(exchange.rawQuery);
  const [signature = '', expires = ''] = [query.get('swiftinfo_sig'), query.get('swiftinfo_expires')];
  const forAdmin = signature !== '' || expires !== '';
  if (forAdmin) checkSignature({ method, signature, expires }, settings.adminKey, nowMs);
  const shown = shownInfo(info, settings.disallowedSections, forAdmin);
  const body = JSON.stringify(shown);
  const origin = exchange.header('origin');
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/json; charset=UTF-8',
      'Content-Length': Buffer.byteLength(body),
      ...(origin === undefined ? {} : { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': 'x-trans-id' }),
    },
    body,
  };
}

/** Refuses a request for the admin section that the key did not sign, or whose time is over. */
function checkSignature({ method, signature, expires }: { method: string; signature: string; expires: string }, key: string | undefined, nowMs: number): void {
  if (key === undefined) throw new Refusal(403);
  if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 < nowMs) throw new Refusal(401);
  const digest = ({ 40: 'sha1', 64: 'sha256', 128: 'sha512' } as const)[signature.length as 40];
  if (digest === undefined) throw new Refusal(401);
  const methods = method === 'HEAD' ? ['HEAD', 'GET'] : ['GET'];
  const valid = methods.map((signed) => sameText(createHmac(digest, key).update(`${signed}\n${Number(expires)}\n/info`).digest('hex'), signature));
  if (!valid.includes(true)) throw new Refusal(401);
}

/** `info` without the sections (`tempurl`, `swift.policies`) that are not to be shown; an operator is told which they are. */
function shownInfo(info: Info, disallowed: readonly string[], forAdmin: boolean): Info {
  const shown = structuredClone(info) as Record<string, unknown>;
  for (const section of disallowed) {
    const path = section.split('.');
    const last = path.pop()!;
    const parent = path.reduce<unknown>((part, name) => (typeof part === 'object' && part !== null && Object.hasOwn(part, name) ? (part as Record<string, unknown>)[name] : undefined), shown);
    if (typeof parent === 'object' && parent !== null) delete (parent as Record<string, unknown>)[last];
  }
  return forAdmin ? { ...shown, admin: { disallowed_sections: disallowed } } : shown;
}
