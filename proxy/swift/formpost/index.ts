/**
 * Uploads from HTML forms (Swift's "FormPost" middleware): a browser posts files straight into a container, without a token; a key of
 * the account or the container signed what the form may do. Each file becomes an object while it arrives.
 */
import { STATUS_CODES } from 'node:http';
import { bodyOfChunks, type Body } from '#common/stream';
import type { Exchange, Response } from '#proxy/edge';
import { unauthorized } from '../authorize.ts';
import { perform, shaped } from '../perform.ts';
import { HTML, Refusal } from '../refusal.ts';
import { decodePath, type SwiftRequest } from '../request.ts';
import { keysOf, type Key } from '../tempurl/signature.ts';
import { integerField, invalid, judge, type Fields } from './fields.ts';
import { bytesOf, isForm, MAX_VALUE_BYTES, partsOf, type File } from './parts.ts';

/** The answer to a form; undefined where the request is none. */
export async function answerForm(request: SwiftRequest): Promise<Response | undefined> {
  const { exchange } = request;
  if (exchange.method !== 'POST' || !isForm(exchange.headers)) return undefined;
  const keys = await keysOf(request);
  const fields = new Map<string, string>();
  let last: Response | undefined;
  let files = 0;
  for await (const part of partsOf(exchange.headers, exchange.body(Infinity))) {
    if (part.kind === 'field') {
      fields.set(part.name, part.value);
    } else if (part.filename === '') {
      fields.set('', await valueOf(part));
    } else {
      files++;
      if (files > integerField(fields, 'max_file_count')) return answer(fields, '400 Bad Request', 'max file count exceeded');
      last = await store(request, { file: part, fields, keys });
      await last.release?.();
      if (last.status >= 300) break;
    }
  }
  if (last === undefined) return answer(fields, '400 Bad Request', 'no files to process');
  const shared = Object.entries(last.headers).filter(([name]) => name.toLowerCase().startsWith('access-control'));
  return answer(fields, `${last.status} ${STATUS_CODES[last.status] ?? ''}`.trimEnd(), '', Object.fromEntries(shared));
}

/** Puts one file, as the fields before it allow. */
async function store(request: SwiftRequest, { file, fields, keys }: { file: File; fields: Fields; keys: readonly Key[] }): Promise<Response> {
  const { exchange, account, container, object, settings } = request;
  const maxBytes = integerField(fields, 'max_file_size');
  const expiry = expiryHeaders(fields);
  const nowMs = request.store.cluster.clock.nowMs();
  const verdict = judge(fields, { path: decodePath(exchange.path), keys, allowed: settings.formpost.allowedDigests, nowMs });
  if ('refused' in verdict) throw new Refusal(401, `FormPost: ${verdict.refused}`, { ...unauthorized(account).headers, 'Content-Type': HTML });
  const name = `${object ?? ''}${file.filename}`;
  if (name.includes('\0')) throw new Refusal(412, 'Invalid UTF8 or contains NULL');
  const { body, fault } = capped(file, maxBytes);
  const put = exchange.derived({ method: 'PUT', headers: { ...keptHeaders(exchange), ...contentHeaders(fields, file), ...expiry }, body });
  // The form's key lets its bearer into this container and no further.
  const upload: SwiftRequest = { ...request, exchange: put, object: name, query: new Map(), principal: undefined, grant: { account, container } };
  const response = await shaped(upload, () => perform(upload));
  const broken = fault();
  if (broken !== undefined) throw broken;
  return response;
}

/** The file's bytes, and once they were read what was wrong with them: more than the form allows, or not all of the form. */
function capped(file: File, maxBytes: number): { body: Body; fault: () => Refusal | undefined } {
  let fault: Refusal | undefined;
  const read = async function* (): AsyncGenerator<Buffer> {
    let length = 0;
    try {
      for await (const chunk of bytesOf(file)) {
        length += chunk.length;
        if (length > maxBytes) throw invalid('max_file_size exceeded');
        yield chunk;
      }
    } catch (error) {
      if (error instanceof Refusal) fault = error;
      throw error;
    }
  };
  return { body: bodyOfChunks(read(), undefined), fault: () => fault };
}

function keptHeaders({ headers }: Exchange): Exchange['headers'] {
  return Object.fromEntries(['host', 'origin', 'referer', 'user-agent'].flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}

function contentHeaders(fields: Fields, file: File): Exchange['headers'] {
  const encoding = fields.get('content-encoding');
  const type = fields.has('content-type') ? fields.get('content-type') || 'application/octet-stream' : file.contentType;
  return { 'transfer-encoding': 'chunked', 'content-type': latin1(type), ...(encoding === undefined ? {} : { 'content-encoding': latin1(encoding) }) };
}

/** Header values are bytes, one a character; fields of a form are text. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function expiryHeaders(fields: Fields): Exchange['headers'] {
  const headers: Record<string, string> = {};
  const hints = [['x_delete_at', 'x-delete-at', 'Unix timestamp'], ['x_delete_after', 'x-delete-after', 'Number of seconds']] as const;
  for (const [field, header, what] of hints) {
    const value = fields.get(field);
    if (value === undefined) continue;
    if (!/^\s*[+-]?\d{1,15}\s*$/.test(value)) throw invalid(`${field} not an integer: ${what} required.`);
    headers[header] = value.trim();
  }
  return headers;
}

/** A part that came like a file and has no name of one. */
async function valueOf(file: File): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytesOf(file)) {
    if (length < MAX_VALUE_BYTES) chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks).subarray(0, MAX_VALUE_BYTES).toString('utf8');
}

/** What the browser is told: by itself, or at the address that the form names. */
function answer(fields: Fields, status: string, message: string, headers: Response['headers'] = {}): Response {
  const redirect = fields.get('redirect') ?? '';
  const code = status.slice(0, 3);
  if (redirect === '') {
    const body = message === '' ? status : `${status}\r\nFormPost: ${titled(message)}`;
    return { status: Number(code), headers: { ...headers, 'Content-Type': 'text/plain' }, body };
  }
  // A field may hold line breaks, and a header must not.
  const safe = redirect.replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()));
  const location = `${safe}${redirect.includes('?') ? '&' : '?'}status=${code}&message=${encodeURIComponent(message)}`;
  const link = location.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return { status: 303, headers: { ...headers, Location: location, 'Content-Type': HTML }, body: `<html><body><p><a href="${link}">Click to continue...</a></p></body></html>` };
}

function titled(message: string): string {
  return message.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}
