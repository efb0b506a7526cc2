/**
 * The parts of a form in their order, read with busboy as they come: a file's bytes are read while they arrive, and no more of the form
 * is taken from the client than the part in hand needs.
 */
import busboy from 'busboy';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Body } from '#common/stream';
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
    this.#source = body.chunks()[Symbol.asyncIterator]();
    this.#parser = openParser(headers);
    const changed = (): void => this.#wake();
    this.#parser.on('field', (name, value) => {
      this.ready.push({ kind: 'field', name: name.toLowerCase(), value });
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

function openParser(headers: IncomingHttpHeaders): busboy.Busboy {
  try {
    return busboy({ headers, preservePath: true, defParamCharset: 'utf8', limits: { fieldNameSize: MAX_NAME_BYTES, fieldSize: MAX_VALUE_BYTES, fields: MAX_FIELDS } });
  } catch {
    throw invalid('invalid starting boundary');
  }
}
