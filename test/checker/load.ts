/**
 * The mixed load of a check: several clients at once that put, overwrite, post, copy, delete and read, some of them the same keys,
 * and tell the histories what they asked and what they were answered. They go on when servers die under them.
 */

import { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { newContent } from './body.ts';
import { Unanswered, type Answer, type Asking } from './client.ts';
import { Clients } from './clients.ts';
import type { Ending, MetaWrite } from './history.ts';
import type { Key, Namespace } from './namespace.ts';
import { readObject } from './read.ts';
import type { Servers } from './servers.ts';
import type { Tally } from './tally.ts';

export interface LoadOptions {
  readonly seed: number;
  readonly round: number;
  readonly servers: Servers;
  readonly namespace: Namespace;
  readonly tally: Tally;
  readonly clients: number;
  /** Largest body. */
  readonly maxBytes: number;
}

const HOT_KEYS = 16;
const BIG_KEYS = 6;

export class Load {
  readonly #options: LoadOptions;
  readonly #clients: Clients;
  #names = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#clients = new Clients(options.clients, (number) => {
      const random = new SeededRandom(options.seed * 7919 + options.round * 101 + number);
      const own: Key[] = [];
      return () => this.#step(random, number, own);
    });
  }

  /** Lets every client finish what it is at. */
  stop(): Promise<void> {
    return this.#clients.stop();
  }

  /** One operation; false where it got no good answer. */
  async #step(random: SeededRandom, client: number, own: Key[]): Promise<boolean> {
    const choice = random.below(100);
    const shared = (): Key => this.#sharedKey(random);
    const any = (): Key => (own.length > 0 && random.oneIn(2) ? own[random.below(own.length)]! : shared());
    if (choice < 30) {
      const key = this.#options.namespace.key(this.#container(random), `own/${this.#options.round}-${client}-${this.#names++} ${random.pick(['a', 'ü', '%', '?&'])}`);
      own.push(key);
      return this.#put(key, random, this.#smallSize(random));
    }
    if (choice < 48) return this.#put(any(), random, this.#smallSize(random));
    if (choice < 53) return this.#put(this.#bigKey(random), random, this.#bigSize(random));
    if (choice < 55) return this.#cutPut(any(), random);
    if (choice < 65) return this.#post(any());
    if (choice < 75) return this.#delete(any());
    if (choice < 80) return this.#copy(any(), random.oneIn(4) ? this.#bigKey(random) : shared(), random.oneIn(2));
    return readObject(this.#options, random.oneIn(8) ? this.#bigKey(random) : any(), random.oneIn(4) ? 'HEAD' : 'GET');
  }

  #container(random: SeededRandom): string {
    const { containers } = this.#options.namespace;
    return containers[random.below(containers.length)]!;
  }

  #sharedKey(random: SeededRandom): Key {
    const n = random.below(HOT_KEYS);
    return this.#options.namespace.key(this.#options.namespace.containers[n % 3]!, `hot/${n}`);
  }

  #bigKey(random: SeededRandom): Key {
    const n = random.below(BIG_KEYS);
    return this.#options.namespace.key(this.#options.namespace.containers[n % 3]!, `big/${n}`);
  }

  #smallSize(random: SeededRandom): number {
    return random.pick([0, 1, 100, 4096, 4096, 20_000, 65_536, 65_537, 150_000]);
  }

  #bigSize(random: SeededRandom): number {
    const { maxBytes } = this.#options;
    return Math.floor(maxBytes / 4) + random.below(Math.floor((maxBytes * 3) / 4));
  }

  async #put(key: Key, random: SeededRandom, sizeBytes: number): Promise<boolean> {
    const { namespace, round } = this.#options;
    const id = `put-${round}-${namespace.tick()}`;
    const { content, bytes } = newContent(id, sizeBytes);
    namespace.remember(content);
    const write = key.history.beginData(id, [content], namespace.tick());
    const asking: Asking = { method: 'PUT', path: pathOf(key), headers: { ...stamp(id), ...(random.oneIn(3) ? { ETag: content.md5 } : {}) }, body: bytes, chunked: random.oneIn(4) };
    return this.#write(key, write, asking, (answer) => {
      if (answer.status !== 201) return undefined;
      if (answer.headers.etag !== content.md5) this.#options.tally.fault(`PUT of ${pathOf(key)} answered the ETag ${answer.headers.etag}, sent was ${content.md5}`);
      return 'done';
    });
  }

  /** A PUT that its client breaks off half-way: nothing of it may ever be seen. */
  async #cutPut(key: Key, random: SeededRandom): Promise<boolean> {
    const { namespace, round, tally, servers } = this.#options;
    const id = `cut-${round}-${namespace.tick()}`;
    const { bytes } = newContent(id, 1 + random.below(200_000));
    tally.count('puts broken off by the client');
    await servers.ask({ method: 'PUT', path: pathOf(key), headers: stamp(id), body: bytes, cutAfterBytes: random.below(bytes.length) }).catch(() => undefined);
    return true;
  }

  async #post(key: Key): Promise<boolean> {
    const { namespace, round } = this.#options;
    const id = `post-${round}-${namespace.tick()}`;
    const from = namespace.tick();
    const write = key.history.beginMeta(id, from);
    return this.#write(key, write, { method: 'POST', path: pathOf(key), headers: stamp(id) }, (answer) => {
      if (answer.status === 404) this.#note(key, 'POST', key.history.observe(undefined, from, namespace.tick()));
      return answer.status === 202 ? 'done' : answer.status === 404 ? 'nothing' : undefined;
    });
  }

  async #delete(key: Key): Promise<boolean> {
    const { namespace, round } = this.#options;
    const from = namespace.tick();
    const write = key.history.beginData(`delete-${round}-${from}`, undefined, from);
    return this.#write(key, write, { method: 'DELETE', path: pathOf(key) }, (answer) => {
      if (answer.status === 404) this.#note(key, 'DELETE', key.history.observe(undefined, from, namespace.tick(), write));
      // A tombstone is written even where there was nothing.
      return answer.status === 204 || answer.status === 404 ? 'done' : undefined;
    });
  }

  async #copy(source: Key, target: Key, byHeader: boolean): Promise<boolean> {
    const { namespace, round } = this.#options;
    if (source === target) return true;
    const id = `copy-${round}-${namespace.tick()}`;
    const from = namespace.tick();
    const write = target.history.beginData(id, source.history.contents(), from);
    const asking = byHeader
      ? { method: 'PUT', path: pathOf(target), headers: { ...stamp(id), 'X-Copy-From': `${source.container}/${encodeURIComponent(source.object)}`, 'Content-Length': 0 } }
      : { method: 'COPY', path: pathOf(source), headers: { ...stamp(id), Destination: `${target.container}/${encodeURIComponent(target.object)}` } };
    const before = source.history.contents();
    return this.#write(target, write, asking, (answer) => {
      if (answer.status === 404) {
        this.#note(source, 'COPY', source.history.observe(undefined, from, namespace.tick()));
        return 'nothing';
      }
      if (answer.status !== 201) return undefined;
      const content = namespace.contentOf(String(answer.headers.etag));
      if (content === undefined) this.#options.tally.fault(`COPY of ${pathOf(source)} answered the ETag ${answer.headers.etag}, of nothing that was ever written`);
      write.contents = new Map(content === undefined ? [] : [[content.md5, content]]);
      return 'done';
    }).finally(() => {
      // Of a copy that nobody knows about: whatever its source may have been in the meantime.
      if (write.uncertain) write.contents = new Map([...before, ...source.history.contents()].map((content) => [content.md5, content]));
    });
  }

  #note(key: Key, by: string, complaint: string | undefined): void {
    if (complaint !== undefined) this.#options.tally.fault(`${pathOf(key)}, by the answer to a ${by}, ${complaint}`);
  }

  /** Sends a write and tells the history how it ended; `judge` says what a good answer means, undefined for one that is none. */
  async #write(key: Key, write: Parameters<Key['history']['end']>[0] | MetaWrite, asking: Asking, judge: (answer: Answer) => Ending | undefined): Promise<boolean> {
    const { namespace, servers, tally } = this.#options;
    namespace.touched.add(key);
    let ending: Ending;
    const server = servers.pick();
    try {
      const answer = await servers.ask(asking, server);
      const judged = judge(answer);
      if (judged === undefined && answer.status < 500) tally.fault(`${asking.method} of ${asking.path} answered ${answer.status}: ${answer.body.toString().slice(0, 200)}`);
      ending = judged ?? 'failed';
      tally.count(ending === 'failed' ? 'writes that failed' : ending === 'done' ? 'writes acknowledged' : 'writes refused (404)');
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      ending = error.sent ? 'cut' : 'nothing';
      if (error.sent) tally.count('writes cut');
    }
    key.history.end(write, ending, namespace.tick());
    if (ending === 'cut') {
      if (servers.hasDied(server)) key.history.bury(write, namespace.tick());
      else namespace.noteCut({ write, key, server: server.number });
    }
    return ending === 'done';
  }
}

/** The path of a key below the account, encoded. */
export function pathOf({ container, object }: Pick<Key, 'container' | 'object'>): string {
  return `/${container}/${object.split('/').map(encodeURIComponent).join('/')}`;
}

/** What tells whose metadata an object has. */
function stamp(id: string): Record<string, string> {
  return { 'X-Object-Meta-Written-By': id, 'Content-Type': `application/x-${id}` };
}
