/** Reads a key and holds what it finds against its history: never a byte, a length, a hash or a header that does not fit the others. */
import { hash } from 'node:crypto';
import { bytesOf } from './body.ts';
import { Unanswered, type Answer } from './client.ts';
import type { Seen } from './history.ts';
import { pathOf } from './load.ts';
import type { Key, Namespace } from './namespace.ts';
import type { Servers } from './servers.ts';
import type { Tally } from './tally.ts';

export interface Reading {
  readonly servers: Servers;
  readonly namespace: Namespace;
  readonly tally: Tally;
}

/** What a GET or HEAD found: nothing, an object, or no answer to rely on. */
export type Found = { readonly seen: Seen | undefined; readonly sizeBytes: number; readonly contentType: string } | 'unanswered';

/** Reads under load; false where there was no good answer. */
export async function readObject(reading: Reading, key: Key, method: 'GET' | 'HEAD'): Promise<boolean> {
  return (await find(reading, key, method)) !== 'unanswered';
}

/** Reads, checks, and settles in the history what was seen. */
export async function find({ servers, namespace, tally }: Reading, key: Key, method: 'GET' | 'HEAD'): Promise<Found> {
  const from = namespace.tick();
  let answer: Answer;
  try {
    answer = await servers.ask({ method, path: pathOf(key) });
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    return 'unanswered';
  }
  if (answer.status >= 500) {
    tally.count('reads that failed');
    return 'unanswered';
  }
  tally.count('reads answered');
  const fault = (sentence: string): void => tally.fault(`${method} of ${pathOf(key)}: ${sentence}`);
  if (answer.status !== 200 && answer.status !== 404) fault(`answered ${answer.status}`);
  const seen = answer.status === 200 ? seenIn(answer, method, namespace, fault) : undefined;
  const complaint = key.history.observe(seen, from, namespace.tick());
  if (complaint !== undefined) fault(`it ${complaint}`);
  return { seen, sizeBytes: Number(answer.headers['content-length']), contentType: String(answer.headers['content-type']) };
}

function seenIn({ headers, body }: Answer, method: string, namespace: Namespace, fault: (sentence: string) => void): Seen {
  const md5 = String(headers.etag);
  const writtenBy = String(headers['x-object-meta-written-by']);
  if (headers['content-type'] !== `application/x-${writtenBy}`) fault(`metadata of ${writtenBy} with the type ${headers['content-type']}`);
  const content = namespace.contentOf(md5);
  if (content === undefined) {
    fault(`the ETag ${md5} is of nothing that was ever written`);
    return { md5, writtenBy };
  }
  if (Number(headers['content-length']) !== content.sizeBytes) fault(`${headers['content-length']} bytes, written were ${content.sizeBytes}`);
  if (method === 'HEAD') return { md5, writtenBy };
  if (!body.equals(bytesOf(content))) fault(`its ${body.length} bytes are not those of ${content.seed}`);
  return { md5: hash('md5', body, 'hex'), writtenBy };
}
