/** AWS's query protocol in a few words: forms signed by aws4, as the identity and token services take them. */
import aws4 from 'aws4';
import { texts } from './session.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface QueryAnswer {
  readonly status: number;
  readonly body: string;
  /** The code of a refusal. */
  readonly code: string | undefined;
}

export class QueryClient {
  readonly #endpoint: string;
  readonly #service: 'iam' | 'sts';
  readonly #credentials: Credentials | undefined;

  /** Without credentials nothing is signed. */
  constructor(endpoint: string, service: 'iam' | 'sts', credentials?: Credentials) {
    this.#endpoint = endpoint;
    this.#service = service;
    this.#credentials = credentials;
  }

  async ask(Action: string, parameters: Readonly<Record<string, string>> = {}): Promise<QueryAnswer> {
    const body = new URLSearchParams({ Action, Version: this.#service === 'iam' ? '2010-05-08' : '2011-06-15', ...parameters }).toString();
    const { host } = new URL(this.#endpoint);
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const signed = this.#credentials === undefined ? { headers } : aws4.sign({ service: this.#service, region: 'us-east-1', host, method: 'POST', path: '/', headers, body }, this.#credentials);
    const sent = Object.fromEntries(Object.entries(signed.headers ?? {}).filter(([name]) => !/^(?:host|content-length)$/i.test(name)).map(([name, value]) => [name, String(value)]));
    const answer = await fetch(`${this.#endpoint}/`, { method: 'POST', headers: sent, body });
    const text = await answer.text();
    return { status: answer.status, body: text, code: answer.status < 300 ? undefined : texts(text, 'Code')[0] };
  }

  /** The same, which must succeed: the texts of an element of its answer. */
  async well(action: string, parameters: Readonly<Record<string, string>> = {}, element = 'RequestId'): Promise<string[]> {
    const { status, body } = await this.ask(action, parameters);
    if (status !== 200) throw new Error(`${action} answered ${status}: ${body.slice(0, 500)}`);
    return texts(body, element);
  }

  /** A key of a user, made now. */
  async key(UserName: string): Promise<Credentials> {
    const { body } = await this.ask('CreateAccessKey', { UserName });
    return { accessKeyId: texts(body, 'AccessKeyId')[0]!, secretAccessKey: texts(body, 'SecretAccessKey')[0]! };
  }

  /** Credentials that an action of the token service gives out. */
  async credentials(action: string, parameters: Readonly<Record<string, string>> = {}): Promise<Required<Credentials>> {
    const { status, body } = await this.ask(action, parameters);
    if (status !== 200) throw new Error(`${action} answered ${status}: ${body.slice(0, 500)}`);
    return { accessKeyId: texts(body, 'AccessKeyId')[0]!, secretAccessKey: texts(body, 'SecretAccessKey')[0]!, sessionToken: texts(body, 'SessionToken')[0]! };
  }
}

export function policyText(...statements: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })) });
}
