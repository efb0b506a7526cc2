/** A Swift client in a few words, for tests that tell stories: one account, one token, whole bodies. */
import type { Login } from './test-proxy.ts';

export interface SwiftAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export class SwiftSession {
  readonly #login: Login;

  constructor(login: Login) {
    this.#login = login;
  }

  /** `path` is below the account, e.g. `/c/o`. */
  async ask(method: string, path: string, options: { headers?: Record<string, string>; body?: Buffer | string } = {}): Promise<SwiftAnswer> {
    const { url, token } = this.#login;
    const answer = await fetch(`${url}${path}`, { method, headers: { 'X-Auth-Token': token, ...options.headers }, ...(options.body !== undefined && { body: typeof options.body === 'string' ? options.body : new Uint8Array(options.body) }) });
    return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) };
  }

  /** PUT; the status. */
  async put(path: string, body?: Buffer | string): Promise<number> {
    return (await this.ask('PUT', path, body === undefined ? {} : { body })).status;
  }

  /** The body; undefined where there is nothing. Throws for every other status. */
  async get(path: string): Promise<Buffer | undefined> {
    const { status, body } = await this.ask('GET', path);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${body.toString()}`);
    return body;
  }

  async list(container: string): Promise<string[]> {
    const { body } = await this.ask('GET', container);
    return body.toString().split('\n').filter((line) => line !== '');
  }
}
