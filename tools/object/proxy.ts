/** What `gori` asks a proxy about a name, with the cluster's secret. */
import path from 'node:path';
import { bearerOf } from '#storage-node/protocol';
import { readIdentity } from '../server/index.ts';

export interface ProxyOptions {
  /** A folder with the cluster.json of the cluster. */
  readonly data: string;
  readonly endpoint: string;
}

const TIMEOUT_MS = 60_000;

/** The answer, or undefined where there is none: then it was said why, and the exit status is 1. `name` is `ACCOUNT[/CONTAINER[/OBJECT]]`. */
export async function askProxy<Answer extends object>(what: 'where' | 'explain', name: string, { data, endpoint }: ProxyOptions): Promise<Answer | undefined> {
  const [account = '', container, ...rest] = name.replace(/^\//, '').split('/');
  const object = rest.length > 0 ? rest.join('/') : undefined;
  const identity = await readIdentity(path.resolve(data));
  if (identity === undefined) return fail(`no cluster.json in ${data}`);
  const query = new URLSearchParams({ account, ...(container && { container }), ...(object && { object }) });
  const answer = await fetch(`${endpoint}/.gori/${what}?${query.toString()}`, { headers: { authorization: bearerOf(identity.secret) }, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    (error: unknown) => fail(`no proxy answers at ${endpoint}: ${String((error as Error).cause ?? error)}`),
  );
  if (answer === undefined) return undefined;
  const body = (await answer.json()) as Answer | { fault: string };
  return 'fault' in body ? fail(body.fault) : body;
}

export function fail(message: string): undefined {
  console.error(`gori: ${message}`);
  process.exitCode = 1;
}
