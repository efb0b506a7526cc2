/** The form of a browser's upload: its fields, then its file, whose bytes are read as they come. What follows the file is not looked at. */
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { StoreError } from '#common';
import type { Body } from '#common/stream';
import { S3Error } from '../errors.ts';

const MAX_FIELDS = 200;
const MAX_FIELD_BYTES = 1024 ** 2;

export interface UploadForm {
  /** By lower-case name. Values are text. */
  readonly fields: ReadonlyMap<string, string>;
  readonly fileName: string;
  readonly file: AsyncIterable<Buffer>;
}

/** Reads a form up to its file. Throws MalformedPOSTRequest for what is none, InvalidArgument for one without a file. */
export function readForm(contentType: string, body: Body): Promise<UploadForm> {
  const parser = openParser(contentType);
  const fields = new Map<string, string>();
  return new Promise((resolve, reject) => {
    const pending: Promise<void>[] = [];
    parser.on('field', (name, value) => fields.set(name.toLowerCase(), value));
    parser.on('file', (name, stream, { filename }) => {
      if (name.toLowerCase() === 'file') {
        Promise.all(pending).then(() => resolve({ fields, fileName: filename ?? '', file: chunksOf(stream) }), reject);
      } else {
        // Some clients give each field a file name.
        pending.push(textOf(stream).then((text) => void fields.set(name.toLowerCase(), text)));
      }
    });
    parser.on('error', () => reject(new S3Error('MalformedPOSTRequest')));
    parser.on('close', () => reject(new S3Error('InvalidArgument', 'POST requires exactly one file upload per request.', { ArgumentName: 'file', ArgumentValue: '0' })));
    feed(body, parser).catch((error: unknown) => {
      reject(error instanceof Error ? error : new Error(String(error)));
      parser.destroy(error as Error);
    });
  });
}

function openParser(contentType: string): ReturnType<typeof busboy> {
  try {
    return busboy({ headers: { 'content-type': contentType }, defParamCharset: 'utf8', limits: { fields: MAX_FIELDS, fieldSize: MAX_FIELD_BYTES, files: MAX_FIELDS } });
  } catch {
    throw new S3Error('MalformedPOSTRequest');
  }
}

async function feed(body: Body, parser: ReturnType<typeof busboy>): Promise<void> {
  for await (const chunk of body.chunks()) {
    if (parser.destroyed) return;
    if (!parser.write(chunk)) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          parser.off('drain', done).off('close', done);
          resolve();
        };
        parser.on('drain', done).on('close', done);
      });
    }
  }
  parser.end();
}

async function* chunksOf(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (cause) {
    throw new StoreError('body-incomplete', 'the form broke off', { cause });
  }
}

async function textOf(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FIELD_BYTES) throw new S3Error('MaxMessageLengthExceeded');
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}
