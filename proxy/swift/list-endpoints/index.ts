/**
 * On which devices a name lives (Swift's "list_endpoints" middleware), for programs that run beside their data: GET of
 * `/endpoints/v1/account/container/object`, in JSON. It asks nobody for a token, so it is off unless an operator wants it.
 */
import { isStoreError } from '#common';
import { percentEncodePath } from '#common/http';
import type { Store } from '#proxy/core';
import type { Exchange, Response } from '#proxy/edge';
import { hashPath } from '#ring';
import { HTML, Refusal } from '../refusal.ts';
import { decodePath, type Target } from '../request.ts';

type Version = 1 | 2;

/** The answer; undefined where the request is for something else. */
export async function answerEndpoints(exchange: Exchange, store: Store, root: string): Promise<Response | undefined> {
  if (!exchange.path.startsWith(root)) return undefined;
  if (exchange.method !== 'GET') throw new Refusal(405, undefined, { Allow: 'GET' });
  const { version, target } = parse(decodePath(exchange.path.slice(root.length)));
  const { endpoints, policy } = await endpointsOf(store, target);
  const headers = policy === undefined ? {} : { 'X-Backend-Storage-Policy-Index': String(policy) };
  const body = JSON.stringify(version === 1 ? endpoints : { endpoints, headers });
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body };
}

/** `[v1|v2/]account[/container[/object]]`; without a version it is the first. */
function parse(path: string): { version: Version; target: Target } {
  const slash = path.indexOf('/');
  const first = slash < 0 ? path : path.slice(0, slash);
  const number = /^v?(\d+(?:\.\d+)?)$/.test(first) ? Number(first.replace('v', '')) : undefined;
  const versioned = number === 1 || number === 2;
  if (!versioned && first.startsWith('v') && !first.includes('_')) refuse(`Unsupported version '${first}'`);
  const rest = versioned ? (slash < 0 ? '' : path.slice(slash + 1)) : path;
  const [, account = '', container, object] = /^([^/]*)(?:\/([^/]*)(?:\/(.*))?)?$/s.exec(rest) ?? [];
  if (account === '' || (container === '' && object)) refuse('No account specified');
  return { version: versioned ? number : 1, target: { account, container: container || undefined, object: object || undefined } };
}

function refuse(reason: string): never {
  throw new Refusal(400, reason, { 'Content-Type': HTML });
}

async function endpointsOf(store: Store, { account, container, object }: Target): Promise<{ endpoints: string[]; policy: number | undefined }> {
  const rings = store.cluster.rings();
  const policy = object === undefined ? undefined : await policyOf(store, account, container!);
  const ring = policy !== undefined ? rings.object(policy) : container !== undefined ? rings.container : rings.account;
  const partition = ring.partition(hashPath(store.cluster.salt, account, container, object));
  const name = [account, container, object].flatMap((part) => (part === undefined ? [] : [percentEncodePath(part)])).join('/');
  return { endpoints: ring.primaries(partition).map(({ ip, port, device }) => `http://${ip}:${port}/${device}/${partition}/${name}`), policy };
}

/** Of a container that is not there, the default. */
async function policyOf(store: Store, account: string, container: string): Promise<number> {
  try {
    return (await store.containers.summary({ account, container })).policy;
  } catch (error) {
    if (!isStoreError(error, 'container-not-found')) throw error;
    return store.cluster.policies.default.index;
  }
}
