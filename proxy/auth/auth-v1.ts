/** GET /auth/v1.0: where Swift's v1 clients change a user and a key for a token and the address of their account. */
import { percentDecode } from '#common/http';
import type { Exchange, Response } from '#proxy/edge';
import type { Tempauth } from './tempauth.ts';

const ROUTE = /^\/auth\/(?:v1(?:\.0)?|auth|v1\/([^/]+)\/auth)\/?$/;
const UNAUTHORIZED = '<html><h1>Unauthorized</h1><p>This server could not verify that you are authorized to access the document you requested.</p></html>';

/** The answer to a request for a token; undefined where the request is for something else. */
export function answerAuth(exchange: Exchange, tempauth: Tempauth, nowMs: number, urlScheme: 'default' | 'http' | 'https' = 'default'): Response | undefined {
  const match = ROUTE.exec(exchange.path);
  if (match === null) return undefined;
  if (exchange.method !== 'GET') return { status: 405, headers: { Allow: 'GET', 'Content-Type': 'text/html; charset=UTF-8' }, body: '' };
  const id = userOf(exchange, match[1]);
  const key = utf8(exchange.header('x-auth-key') ?? exchange.header('x-storage-pass'));
  const lifeText = exchange.header('x-auth-token-lifetime');
  const life = lifeText !== undefined && /^\d+$/.test(lifeText) ? Number(lifeText) : undefined;
  const issued = id === undefined || key === undefined ? undefined : tempauth.issue(id, key, nowMs, life);
  if (issued === undefined) {
    const realm = encodeURIComponent(id?.split(':')[0] ?? 'unknown');
    return { status: 401, headers: { 'Content-Type': 'text/html; charset=UTF-8', 'WWW-Authenticate': `Swift realm="${realm}"` }, body: UNAUTHORIZED };
  }
  const scheme = urlScheme === 'default' ? exchange.scheme : urlScheme;
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/html; charset=UTF-8',
      'X-Auth-Token': issued.token,
      'X-Storage-Token': issued.token,
      'X-Auth-Token-Expires': issued.expiresInSeconds,
      'X-Storage-Url': `${scheme}://${exchange.header('host') ?? 'localhost'}/v1/${encodeURIComponent(issued.account)}`,
    },
  };
}

/** `account:user`, from the header alone or from a path that names the account. */
function userOf(exchange: Exchange, pathAccount: string | undefined): string | undefined {
  const user = utf8(exchange.header('x-auth-user') ?? exchange.header('x-storage-user'));
  if (user === undefined) return undefined;
  if (pathAccount === undefined) return user;
  const account = percentDecode(pathAccount);
  const name = user.includes(':') ? user.slice(user.indexOf(':') + 1) : user;
  return account === undefined ? undefined : `${account}:${name}`;
}

/** Header values come as bytes in latin-1; names and keys are UTF-8. Clients may also percent-encode them. */
function utf8(value: string | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('utf8');
}
