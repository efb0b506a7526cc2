/** A bare HTTP/1.1 client for benchmarks: one keep-alive connection, one request at a time, bodies counted and dropped, so that it costs little beside what it measures. */
import net from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

export interface Reply {
  readonly status: number;
  readonly head: string;
  readonly bodyBytes: number;
}

export class Connection {
  readonly #socket: net.Socket;
  #reply: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined;
  #head: Buffer = Buffer.alloc(0);
  #current: { status: number; head: string; length: number; got: number } | undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    const fail = (): void => this.#reply?.reject(new Error('the connection was closed'));
    socket.on('error', fail).on('close', fail);
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: '127.0.0.1', port }, () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  /** Answers need a Content-Length, or none and no body. */
  request(method: string, path: string, headers: Readonly<Record<string, string>>, body?: Buffer): Promise<Reply> {
    let head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n`;
    for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
    if (body !== undefined || method === 'PUT') head += `Content-Length: ${body?.length ?? 0}\r\n`;
    return new Promise((resolve, reject) => {
      this.#reply = { resolve, reject };
      this.#socket.cork();
      this.#socket.write(`${head}\r\n`, 'latin1');
      if (body !== undefined) this.#socket.write(body);
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#reply = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let body = chunk;
    if (this.#current === undefined) {
      this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf(HEAD_END);
      if (end < 0) return;
      const head = this.#head.toString('latin1', 0, end);
      body = this.#head.subarray(end + 4);
      this.#head = Buffer.alloc(0);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head);
      this.#current = { status: Number(head.slice(9, 12)), head, length: Number(length?.[1] ?? 0), got: 0 };
    }
    const current = this.#current;
    current.got += body.length;
    if (current.got < current.length) return;
    this.#current = undefined;
    this.#reply?.resolve({ status: current.status, head: current.head, bodyBytes: current.got });
  }
}
