/** Several ranges in one answer: multipart/byteranges (RFC 9110, section 14.6), its length known before it is sent. */
import { randomBytes } from 'node:crypto';
import type { ByteRange } from '#common/http';
import type { Response } from '#proxy/edge';
import type { Representation } from './representation.ts';

export interface Multipart {
  /** Of the whole representation. */
  readonly sizeBytes: number;
  readonly ranges: readonly ByteRange[];
  /** Of the answer. */
  readonly headers: Record<string, string | number>;
}

export function multipartAnswer(representation: Representation, { sizeBytes, ranges, headers }: Multipart): Response {
  const boundary = randomBytes(16).toString('hex');
  const heads = ranges.map(({ start, end }) =>
    Buffer.from(
      `--${boundary}\r\nContent-Type: ${representation.contentType}\r\nContent-Range: bytes ${start}-${end - 1}/${sizeBytes}\r\n\r\n`,
      'latin1',
    ),
  );
  const tail = Buffer.from(`--${boundary}--`, 'latin1');
  const length = ranges.reduce((sum, { start, end }, i) => sum + heads[i]!.length + (end - start) + 2, tail.length);
  return {
    status: 206,
    headers: { ...headers, 'Content-Type': `multipart/byteranges;boundary=${boundary}`, 'Content-Length': length },
    body: parts(representation, ranges, heads, tail),
  };
}

const LINE_BREAK = Buffer.from('\r\n');

async function* parts({ data, read }: Representation, ranges: readonly ByteRange[], heads: readonly Buffer[], tail: Buffer): AsyncGenerator<Buffer> {
  for (const [i, { start, end }] of ranges.entries()) {
    yield heads[i]!;
    if (data === undefined) yield* read(start, end);
    else yield data.subarray(start, end);
    yield LINE_BREAK;
  }
  yield tail;
}
