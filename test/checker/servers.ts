/** The servers that clients may ask at the moment: each life of a process is one, with a number of its own. */
import { Client, Unanswered, type Answer, type Asking } from './client.ts';
import type { Tally } from './tally.ts';

export interface Server {
  readonly number: number;
  readonly client: Client;
}

export class Servers implements Disposable {
  readonly #tally: Tally;
  #living: Server[] = [];
  #lives = 0;
  #turn = 0;
  #account = '';
  #token = '';
  /** Named while something is down: answers are counted under it as well. */
  phase: string | undefined;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** A server that came up; the first one says who we are. */
  async add(endpoint: string): Promise<Server> {
    const client = new Client(endpoint);
    if (this.#token === '') {
      const { headers } = await client.ask({ method: 'GET', path: '/auth/v1.0', headers: { 'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing' } });
      this.#token = String(headers['x-auth-token']);
      this.#account = new URL(String(headers['x-storage-url'])).pathname;
    }
    const server = { number: ++this.#lives, client };
    this.#living.push(server);
    return server;
  }

  /** It is dead: nobody is sent there any more. */
  remove(server: Server): void {
    this.#living = this.#living.filter((other) => other !== server);
    server.client[Symbol.dispose]();
  }

  hasDied(server: Server): boolean {
    return !this.#living.includes(server);
  }

  /** The next one in turn; one that has died where none lives (its requests fail). */
  pick(): Server {
    return this.#living[this.#turn++ % Math.max(1, this.#living.length)] ?? NOBODY;
  }

  /** Asks for a path below the account. Throws Unanswered. */
  async ask(asking: Asking, server = this.pick()): Promise<Answer> {
    const { phase } = this;
    try {
      const answer = await server.client.ask({ ...asking, path: this.#account + asking.path, headers: { 'X-Auth-Token': this.#token, ...asking.headers } });
      if (phase !== undefined) this.#tally.count(`answers ${phase}${answer.status >= 500 ? ', 5xx' : ''}`);
      if (answer.status >= 500) this.#tally.count(`answers ${answer.status}`);
      return answer;
    } catch (error) {
      if (phase !== undefined && error instanceof Unanswered && error.sent && asking.cutAfterBytes === undefined) this.#tally.count(`answers ${phase}, missing`);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const { client } of this.#living) client[Symbol.dispose]();
  }
}

/** Where nobody listens. */
const NOBODY: Server = { number: 0, client: new Client('http://127.0.0.1:1') };
