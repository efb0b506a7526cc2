/** How a storm's clients ask: one register operation after the other, in Swift's words or S3's, over HTTP; and what its answer means for the register. */
import { hash } from 'node:crypto';
import aws4 from 'aws4';
import { Unanswered, type Answer, type Asking } from '../checker/client.ts';
import type { Condition, Content, Operation } from '../simulation/history.ts';
import type { Evidence, KeyEvidence } from './evidence.ts';
import type { Door } from './storm-cluster.ts';

export const CONTAINER = 'storm';
const CREDENTIALS = { accessKeyId: 'test:tester', secretAccessKey: 'testing' };

export interface Wish {
  readonly key: KeyEvidence;
  readonly kind: 'put' | 'post' | 'delete' | 'get' | 'head';
  readonly condition?: Condition | undefined;
  readonly sizeBytes?: number;
  readonly chunked?: boolean;
  readonly dialect: 'swift' | 's3';
}

export interface Session {
  /** The path of the account, and a token. */
  readonly account: string;
  readonly token: string;
}

export async function logIn({ client }: Door): Promise<Session> {
  const { headers } = await client.ask({ method: 'GET', path: '/auth/v1.0', headers: { 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' } });
  return { token: String(headers['x-auth-token']), account: new URL(String(headers['x-storage-url'])).pathname };
}

/** The bytes of a value: its name, again and again. */
export const bytesOf = (value: string, sizeBytes: number): Buffer => Buffer.alloc(sizeBytes, `${value} `);

export class Asker {
  readonly #name: string;
  readonly #session: Session;
  readonly #evidence: Evidence;
  readonly #fault: (sentence: string) => void;

  /** `fault` hears of answers that are wrong whatever happened before. */
  constructor(name: string, { session, evidence, fault }: { session: Session; evidence: Evidence; fault: (sentence: string) => void }) {
    this.#name = name;
    this.#session = session;
    this.#evidence = evidence;
    this.#fault = fault;
  }

  /** Asks and notes the answer; 'unknown' where none came that says what happened. */
  async ask(door: Door, wish: Wish): Promise<Operation> {
    const { key, kind, condition, sizeBytes = 0 } = wish;
    const evidence = this.#evidence;
    const value = kind === 'put' || kind === 'post' ? `${this.#name}.${evidence.operations}` : undefined;
    let body: Buffer | undefined;
    if (kind === 'put') {
      body = bytesOf(value!, sizeBytes);
      const etag = hash('md5', body, 'hex');
      evidence.written.set(value!, { etag, sizeBytes });
      evidence.valueOf.set(etag, value!);
    }
    const asking = this.#asking(door, wish, { value, body });
    const operation = evidence.begin(key, `${this.#name} by ${door.member.name}`, { kind: kind === 'get' || kind === 'head' ? 'read' : kind, condition, ...(value === undefined ? {} : { value }) });
    try {
      const answer = await door.client.ask(asking);
      const outcome = this.#outcome(wish, answer);
      evidence.end(operation, outcome, outcome === 'done' && operation.kind === 'read' ? this.#seen(wish, answer) : undefined);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      if (error.sent) evidence.end(operation, 'unknown');
      else evidence.withdraw(key, operation);
    }
    return operation;
  }

  /** Lists the keys below a prefix, and notes what was shown of each; undefined where there was no good answer. */
  async list(door: Door, prefix: string, keys: readonly KeyEvidence[]): Promise<ReadonlyMap<string, string> | undefined> {
    const from = this.#evidence.now();
    const answer = await this.plainly(door, { method: 'GET', path: `/${CONTAINER}?format=json&prefix=${encodeURIComponent(prefix)}` });
    if (answer?.status !== 200) return undefined;
    const to = this.#evidence.now();
    const rows = JSON.parse(answer.body.toString()) as { name: string; hash: string; bytes: number }[];
    const shown = new Map<string, string>();
    for (const { name, hash: etag, bytes } of rows) {
      const value = this.#evidence.valueOf.get(etag);
      if (value === undefined || this.#evidence.written.get(value)!.sizeBytes !== bytes) this.#fault(`a listing shows ${bytes} bytes of ${etag} as ${name}, which nobody wrote`);
      else shown.set(name, value);
    }
    for (const key of keys) key.glances.push({ from, to, value: shown.get(key.name) });
    return shown;
  }

  /** A request below the account that is no operation of the register. */
  async plainly({ client }: Door, { path, headers, ...rest }: Asking): Promise<Answer | undefined> {
    const { account, token } = this.#session;
    return client.ask({ ...rest, path: account + path, headers: { 'X-Auth-Token': token, ...headers } }).catch((error: unknown) => {
      if (!(error instanceof Unanswered)) throw error;
      return undefined;
    });
  }

  #asking(door: Door, { key, kind, condition, chunked, dialect }: Wish, { value, body }: { value: string | undefined; body: Buffer | undefined }): Asking {
    const conditions: Record<string, string> = condition === undefined ? {} : 'absent' in condition ? { 'If-None-Match': '*' } : { 'If-Match': `"${this.#evidence.written.get(condition.match)!.etag}"` };
    const method = kind === 'get' || kind === 'head' ? kind.toUpperCase() : kind === 'put' ? 'PUT' : kind === 'post' ? 'POST' : 'DELETE';
    if (dialect === 'swift') {
      const headers = { 'X-Auth-Token': this.#session.token, ...conditions, ...(value === undefined ? {} : { 'X-Object-Meta-By': value }) };
      return { method, path: `${this.#session.account}/${CONTAINER}/${key.name}`, headers, ...(body && { body }), chunked: chunked === true };
    }
    const path = `/${CONTAINER}/${key.name}`;
    const signed = aws4.sign(
      { service: 's3', region: 'us-east-1', host: new URL(door.endpoint).host, method, path, headers: { ...conditions, 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD', ...(value === undefined ? {} : { 'x-amz-meta-by': value }) } },
      CREDENTIALS,
    );
    const headers = Object.fromEntries(Object.entries(signed.headers ?? {}).map(([name, each]) => [name, String(each)]));
    return { method, path, headers, ...(body && { body }) };
  }

  #outcome({ key, kind, condition, dialect }: Wish, { status, body }: Answer): Operation['outcome'] {
    const good = { put: dialect === 's3' ? 200 : 201, post: 202, delete: 204, get: 200, head: 200 }[kind];
    if (status === good) return 'done';
    if (status === 404 && (kind !== 'put' || condition !== undefined)) return 'missing';
    if (status === 412 && condition !== undefined) return 'failed';
    // 408, 409: a body that came too slowly through what is broken; a contest that had no end.
    if (status < 500 && status !== 408 && status !== 409) this.#fault(`${kind} of ${key.name} by ${dialect} was answered ${status}: ${body.toString().slice(0, 300)}`);
    return 'unknown';
  }

  /** Whose data it is says the ETag, whose metadata the metadata; and all of it must fit together, to the last byte. */
  #seen({ key, kind }: Wish, { headers, body }: Answer): Content | undefined {
    const etag = String(headers.etag).replaceAll('"', '');
    const value = this.#evidence.valueOf.get(etag);
    const written = value === undefined ? undefined : this.#evidence.written.get(value);
    const meta = headers['x-object-meta-by'] ?? headers['x-amz-meta-by'];
    const wrong = (sentence: string): undefined => this.#fault(`${kind} of ${key.name}: ${sentence}`) as undefined;
    if (value === undefined || written === undefined) return wrong(`an ETag that nobody wrote: ${etag}`);
    if (Number(headers['content-length']) !== written.sizeBytes) return wrong(`${headers['content-length']} bytes of ${value}, written were ${written.sizeBytes}`);
    if (kind === 'get' && !body.equals(bytesOf(value, written.sizeBytes))) return wrong(`the ${body.length} bytes are not those of ${value}`);
    return { value, meta: String(meta) };
  }
}
