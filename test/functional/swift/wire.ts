/**
 * HTTP by hand: a socket on which a test writes whatever bytes it likes, right or wrong, and reads answers one after the other as
 * they come. Real clients are too polite for what is tried with it.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Names in lower case; of a name sent twice, the last. */
  readonly headers: ReadonlyMap<string, string>;
  /** Each header line as it came, so that one that was smuggled in is seen. */
  readonly lines: readonly string[];
  readonly body: Buffer;
}

/** How long an answer may take before the test fails. */
const PATIENCE_MS = 20_000;

export class Wire implements Disposable {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  /** Chunks that came since: joined only when they are looked at, or a large answer would be copied a thousand times. */
  #fresh: Buffer[] = [];
  #freshBytes = 0;
  /** Bytes that must be there before it is worth looking. */
  #wanted = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#fresh.push(chunk);
      this.#freshBytes += chunk.length;
      if (this.#received.length + this.#freshBytes >= this.#wanted) this.#wake?.();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  static async connect(port: number): Promise<Wire> {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return new Wire(socket);
  }

  /** Text is latin-1: a character is a byte. */
  send(data: string | Buffer): void {
    this.socket.write(data, 'latin1');
  }

  /** A chunked body, joined; trailers are not expected. */
  async #chunks(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (;;) {
      const line = await this.#until(() => {
        const end = this.#received.indexOf('\r\n');
        return end < 0 ? undefined : this.#cut(end + 2);
      });
      const length = Number.parseInt(line.toString('latin1'), 16);
      const chunk = await this.#until(() => (this.#received.length >= length + 2 ? this.#cut(length + 2) : undefined));
      if (length === 0) return Buffer.concat(parts);
      parts.push(chunk.subarray(0, length));
    }
  }

  /** The next answer, `100 Continue` included. `headless` for the answer to a HEAD, which has no body whatever it says. */
  async answer(options: { headless?: boolean } = {}): Promise<Answer> {
    const head = await this.#until(() => {
      const end = this.#received.indexOf('\r\n\r\n');
      return end < 0 ? undefined : this.#cut(end + 4);
    });
    const [first = '', ...lines] = head.toString('latin1').trimEnd().split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
    const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
    const bodiless = options.headless === true || status === 100 || status === 204 || status === 304;
    if (!bodiless && headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return { status, headers, lines, body: await this.#chunks() };
    const length = bodiless ? 0 : Number(headers.get('content-length') ?? 0);
    this.#wanted = length;
    const body = await this.#until(() => (this.#received.length >= length ? this.#cut(length) : undefined));
    this.#wanted = 0;
    return { status, headers, lines, body };
  }

  /** Resolves when the server has closed the connection; what it sent and nobody read. */
  async closed(): Promise<Buffer> {
    await this.#until(() => (this.#ended ? true : undefined));
    return this.#received;
  }

  get open(): boolean {
    return !this.#ended;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #cut(length: number): Buffer {
    const head = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return head;
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      this.#received = this.#fresh.length === 0 ? this.#received : Buffer.concat([this.#received, ...this.#fresh]);
      [this.#fresh, this.#freshBytes] = [[], 0];
      const found = look();
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`the connection was closed; received so far: ${JSON.stringify(this.#received.toString('latin1').slice(0, 300))}`);
      if (Date.now() > deadline) throw new Error('no answer came');
      await this.#change(deadline - Date.now());
    }
  }

  #change(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** Sends one request on a connection of its own and reads its answer. */
export async function ask(port: number, request: string | Buffer, options: { headless?: boolean } = {}): Promise<Answer> {
  using wire = await Wire.connect(port);
  wire.send(request);
  return await wire.answer(options);
}
