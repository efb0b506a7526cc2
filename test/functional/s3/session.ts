/** An S3 client in a few words: requests as they are, signed by aws4, against the real server. */
import aws4 from 'aws4';
import type { GoriProcess } from '../swift/gori-process.ts';

export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export class S3Session {
  readonly #endpoint: string;
  readonly #credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

  constructor(endpoint: string, accessKeyId = 'test:tester', secretAccessKey = 'testing', sessionToken?: string) {
    this.#endpoint = endpoint;
    this.#credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  }

  /** `path` as it goes over the wire, e.g. `/bucket/key?tagging`. */
  async ask(method: string, path: string, { headers = {}, body }: { headers?: Record<string, string>; body?: string | Buffer } = {}): Promise<S3Answer> {
    const { host } = new URL(this.#endpoint);
    const signed = aws4.sign({ service: 's3', region: 'us-east-1', host, method, path, headers, ...(body === undefined ? {} : { body }) }, this.#credentials);
    const sent = Object.fromEntries(Object.entries(signed.headers ?? {}).filter(([name]) => !/^(?:host|content-length)$/i.test(name)).map(([name, value]) => [name, String(value)]));
    const answer = await fetch(`${this.#endpoint}${path}`, { method, headers: sent, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }) });
    return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) };
  }

  /** The same, which must succeed; the body as text. */
  async well(method: string, path: string, options: { headers?: Record<string, string>; body?: string | Buffer } = {}): Promise<string> {
    const { status, body } = await this.ask(method, path, options);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${body.toString().slice(0, 500)}`);
    return body.toString();
  }
}

export type SwiftAsk = (method: string, path: string, options?: { headers?: Record<string, string>; body?: string | Buffer }) => Promise<Response>;

/** A Swift client in as many words; `path` is below the account. */
export async function swiftSession(gori: GoriProcess): Promise<SwiftAsk> {
  const { url, token } = await gori.login();
  return (method, path, { headers = {}, body } = {}) => fetch(`${url}${path}`, { method, headers: { 'X-Auth-Token': token, ...headers }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }) });
}

/** The texts of all elements of a name. */
export function texts(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text]) => text!.replaceAll('&quot;', '"').replaceAll('&amp;', '&'));
}
