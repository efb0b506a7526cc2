import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOfChunks } from '#common/stream';
import { bytesOf, partsOf } from './parts.ts';
import { Refusal } from '../refusal.ts';

const HEADERS = { 'content-type': 'multipart/form-data; boundary=xx' };
const field = (disposition: string, value: string): string => `--xx\r\nContent-Disposition: form-data${disposition}\r\n\r\n${value}\r\n`;
const FORM = `${field('; name="Expires"', '10')}${field('; name="file"; filename="a"', 'hello')}--xx--`;

async function read(...chunks: string[]): Promise<string[]> {
  const source = async function* (): AsyncGenerator<Buffer> {
    for (const chunk of chunks) if (chunk !== '') yield Buffer.from(chunk, 'latin1');
  };
  const seen: string[] = [];
  for await (const part of partsOf(HEADERS, bodyOfChunks(source(), undefined))) {
    if (part.kind === 'field') seen.push(`${part.name}=${part.value}`);
    else {
      const bytes: Buffer[] = [];
      for await (const chunk of bytesOf(part)) bytes.push(chunk);
      seen.push(`${part.filename}:${Buffer.concat(bytes).toString()}`);
    }
  }
  return seen;
}

test('parts come in their order, wherever the form is cut', async () => {
  for (let at = 0; at <= FORM.length; at++) assert.deepEqual(await read(FORM.slice(0, at), FORM.slice(at)), ['expires=10', 'a:hello'], `cut at ${at}`);
  assert.deepEqual(await read(...FORM), ['expires=10', 'a:hello']);
});

test('what comes after the end of a form is nothing of it', async () => {
  for (const rest of ['\r\n', 'x', '\r\n--xx\r\n', `\r\n${field('; name="file"; filename="b"', 'more')}`, `\r\n${FORM}`]) {
    const text = `${FORM}${rest}`;
    for (let at = FORM.length - 8; at <= text.length; at++) assert.deepEqual(await read(text.slice(0, at), text.slice(at)), ['expires=10', 'a:hello'], JSON.stringify(rest));
  }
  assert.deepEqual(await read(`--xx--\r\n${FORM}`), [], 'a form may be empty');
});

test('a part without a name is one, and a form that breaks off is refused', async () => {
  assert.deepEqual(await read(`${field('', 'x')}--xx--\r\n`), ['=x']);
  for (const text of ['', '--xx', FORM.slice(0, -2), FORM.slice(0, -10), field('; name="f"; filename="a"', 'x'), field('; name="a"', 'x').slice(0, 30)]) {
    await assert.rejects(read(text), (error) => error instanceof Refusal && error.status === 400, JSON.stringify(text));
  }
});
