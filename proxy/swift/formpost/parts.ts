/**
 * The parts of a form in their order, read with busboy as they come: a file's bytes are read while they arrive, and no more of the form
 * is taken from the client than the part in hand needs.
 */
import busboy from 'busboy';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { isStoreError } from '#common';
import type { Body } from '#common/stream';
import { Refusal } from '../refusal.ts';
import { invalid } from './fields.ts';

export interface Field {
  readonly kind: 'field';
  readonly name: string;
  readonly value: string;
}

export interface File {
  readonly kind: 'file';
  /** As the client says it, with whatever path; '' where it says none. */
  readonly filename: string;
  readonly contentType: string;
  /** To be read to its end before the next part is asked for, or given up with all that follows. Ends with an error where the form breaks off. */
  readonly stream: Readable;
}

export type Part = Field | File;

export const MAX_VALUE_BYTES = 4096;
const MAX_NAME_BYTES = 256;
const MAX_FIELDS = 1000;

export function isForm(headers: IncomingHttpHeaders): boolean {
  return /^\s*multipart\/form-data\s*;.*boundary\s*=/i.test(headers['content-type'] ?? '');
}

/** Ends after the last part; throws 400 for what is no form, or not all of one. */
export async function* partsOf(headers: IncomingHttpHeaders, body: Body): AsyncGenerator<Part> {
  const feed = new Feed(headers, body);
  try {
    for (;;) {
      await feed.until(() => feed.ready.length > 0);
      const part = feed.ready.shift();
      if (part === undefined) break;
      // While a file is read, the parser is fed on.
      const feeding = part.kind === 'file' ? feed.until(() => part.stream.readableEnded || part.stream.destroyed) : undefined;
      feeding?.catch((error: Error) => part.kind === 'file' && part.stream.destroy(error));
      yield part;
      await feeding;
    }
  } finally {
    await feed.close();
  }
}

/** The bytes of a file. Throws 400 where the form breaks off before their end, and what the client's connection ends with. */
export async function* bytesOf({ stream }: File): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    throw isStoreError(error) || error instanceof Refusal ? error : invalid('invalid form');
  }
}

/** A body on its way through the parser. */
class Feed {
  readonly ready: Part[] = [];
  readonly #source: AsyncIterator<Buffer>;
  readonly #parser: busboy.Busboy;
  #taken = false;
  #finished = false;
  #fault: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(headers: IncomingHttpHeaders, body: Body) {
    this.#source = untilClosed(body.chunks(), boundaryOf(headers))[Symbol.asyncIterator]();
    this.#parser = openParser(headers);
    const changed = (): void => this.#wake();
    this.#parser.on('field', (name, value) => {
      // A part may have no name, whatever busboy's types say.
      this.ready.push({ kind: 'field', name: ((name as string | undefined) ?? '').toLowerCase(), value });
      changed();
    });
    this.#parser.on('file', (_name, stream, info) => {
      // Nobody may be reading it any more when the form breaks off.
      stream.on('error', changed).on('end', changed).on('close', changed);
      this.ready.push({ kind: 'file', filename: info.filename ?? '', contentType: info.mimeType, stream });
      changed();
    });
    this.#parser.on('drain', changed).on('close', () => {
      this.#finished = true;
      changed();
    });
    this.#parser.on('error', () => {
      this.#fault ??= invalid('invalid form');
      changed();
    });
  }

  /** Feeds until something has come about, or there is no more. Throws where the form or the client breaks off. */
  async until(come: () => boolean): Promise<void> {
    for (;;) {
      if (come()) return;
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#finished) return;
      const change = new Promise<void>((resolve) => (this.#wake = resolve));
      if (this.#taken || this.#parser.writableNeedDrain) {
        await change;
        continue;
      }
      const step = await this.#source.next();
      this.#taken = step.done === true;
      if (step.done === true) this.#parser.end();
      else this.#parser.write(step.value);
    }
  }

  async close(): Promise<void> {
    this.#parser.on('error', () => undefined).destroy();
    await this.#source.return?.();
  }
}

function boundaryOf(headers: IncomingHttpHeaders): string {
  const [, quoted, plain] = /;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(headers['content-type'] ?? '') ?? [];
  return quoted ?? plain ?? '';
}

/**
 * A form up to the delimiter that closes it. What comes after it is nothing of the form (RFC 2046, section 5.1.1), and busboy would look for parts
 * there, and wait for ever for the end of one that has none.
 */
async function* untilClosed(source: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Buffer> {
  const closing = Buffer.from(`\r\n--${boundary}--`, 'latin1');
  // The end of what was seen, in which a delimiter may begin; a form may begin with one.
  let seen: Buffer = Buffer.from('\r\n');
  for await (const chunk of source) {
    const at = Buffer.concat([seen, chunk.subarray(0, closing.length)]).indexOf(closing);
    const end = at >= 0 ? at - seen.length + closing.length : endOf(chunk.indexOf(closing), closing.length);
    if (end !== undefined) {
      yield chunk.subarray(0, end);
      return;
    }
    yield chunk;
    seen = Buffer.concat([seen, chunk.subarray(-closing.length)]).subarray(1 - closing.length);
  }
}

function endOf(at: number, length: number): number | undefined {
  return at < 0 ? undefined : at + length;
}

function openParser(headers: IncomingHttpHeaders): busboy.Busboy {
  try {
    return busboy({ headers, preservePath: true, defParamCharset: 'utf8', limits: { fieldNameSize: MAX_NAME_BYTES, fieldSize: MAX_VALUE_BYTES, fields: MAX_FIELDS } });
  } catch {
    throw invalid('invalid starting boundary');
  }
}
