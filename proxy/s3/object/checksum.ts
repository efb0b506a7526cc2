/** S3's checksums of an upload: which one its sender promises, in a header or behind the body, and that the data keep it. */
import { checksumsOf, createHasher } from '#common/checksum';
import type { Body } from '#common/stream';
import type { Metadata } from '#storage-node/protocol';
import { S3Error } from '../errors.ts';
import type { S3Request } from '../request.ts';
import { OBJECT_CHECKSUM } from './metadata.ts';

export const S3_CHECKSUMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type S3Checksum = (typeof S3_CHECKSUMS)[number];
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

const BYTES: Readonly<Record<S3Checksum, number>> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 };
export const COMMON: Readonly<Record<S3Checksum, 'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256'>> = { CRC32: 'crc32', CRC32C: 'crc32c', CRC64NVME: 'crc64nvme', SHA1: 'sha1', SHA256: 'sha256' };

export interface StoredChecksum {
  readonly algorithm: S3Checksum;
  /** Base64; of a composite one with `-N` behind it. */
  readonly value: string;
  readonly type: ChecksumType;
}

/** What a request promises: the value, where it is known before the body. */
export interface Promised {
  readonly algorithm: S3Checksum;
  readonly value: string | undefined;
}

export function checksumHeader(algorithm: S3Checksum): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

export function parseAlgorithm(text: string | undefined): S3Checksum | undefined {
  if (text === undefined || text === '') return undefined;
  const algorithm = S3_CHECKSUMS.find((name) => name === text.toUpperCase());
  if (algorithm === undefined) throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]');
  return algorithm;
}

/** Headers that are about checksums and hold none. */
const ABOUT_CHECKSUMS: ReadonlySet<string> = new Set(['x-amz-checksum-algorithm', 'x-amz-checksum-mode', 'x-amz-checksum-type']);
const CHECKSUM_PREFIX = 'x-amz-checksum-';

/** The checksum that an upload comes with, in a header or behind the body; undefined for none. Refuses several, and what does not belong together. */
export function promisedChecksum({ exchange, identified }: S3Request): Promised | undefined {
  const given = Object.keys(exchange.headers).filter((name) => name.startsWith(CHECKSUM_PREFIX) && !ABOUT_CHECKSUMS.has(name));
  const announced = (exchange.header('x-amz-trailer') ?? '').split(',').map((name) => name.trim().toLowerCase()).filter((name) => name.startsWith(CHECKSUM_PREFIX));
  if (given.length > 1 || announced.length > 1) throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  if (given.length + announced.length > 1) throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header');
  const [header = announced[0]] = given;
  const named = exchange.header('x-amz-sdk-checksum-algorithm');
  if (header === undefined) {
    if (named !== undefined && named !== '') throw new S3Error('InvalidRequest', 'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.');
    return undefined;
  }
  const algorithm = S3_CHECKSUMS.find((each) => checksumHeader(each) === header);
  if (algorithm === undefined) throw new S3Error('InvalidRequest', 'The algorithm type you specified in x-amz-checksum- header is invalid.');
  if (named !== undefined && named !== '' && named.toUpperCase() !== algorithm) throw new S3Error('InvalidRequest', 'Value for x-amz-sdk-checksum-algorithm header is invalid.');
  const value = exchange.header(header);
  if (value !== undefined) checkForm(algorithm, value);
  else if (!identified.trailers.includes(header)) throw new S3Error('MalformedTrailerError');
  return { algorithm, value };
}

export function checkForm(algorithm: S3Checksum, value: string, kind = 'header'): void {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length !== BYTES[algorithm] || bytes.toString('base64') !== value) throw new S3Error('InvalidRequest', `Value for ${checksumHeader(algorithm)} ${kind} is invalid.`);
}

/** The value that was promised: in the header, or behind the body that has been read. */
export function expectedValue({ trailers }: S3Request, { algorithm, value }: Promised): string {
  if (value !== undefined) return value;
  const trailer = trailers.get(checksumHeader(algorithm));
  if (trailer === undefined) throw new S3Error('MalformedTrailerError');
  checkForm(algorithm, trailer, 'trailing header');
  return trailer;
}

export function badChecksum(algorithm: S3Checksum): S3Error {
  return new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
}

/** A body with its checksum counted on the way; `counted` is known when it has been read. */
export interface CheckedBody {
  readonly body: Body;
  /** What was counted, once the body has been read and kept its promise. */
  readonly counted: () => StoredChecksum | undefined;
}

/** The body, failing at its end where it is not what was promised: in its header, or in its trailer. */
export function checkedBody(request: S3Request, body: Body, promised: Promised | undefined): CheckedBody {
  if (promised === undefined) return { body, counted: () => undefined };
  return countedBody(body, promised.algorithm, () => expectedValue(request, promised));
}

/** Bytes of ours that are copied: counted, and compared where it is known what they should be. */
export function checkedCopy(body: Body, algorithm: S3Checksum | undefined, expected: string | undefined): CheckedBody {
  return algorithm === undefined ? { body, counted: () => undefined } : countedBody(body, algorithm, () => expected);
}

function countedBody(body: Body, algorithm: S3Checksum, expected: () => string | undefined): CheckedBody {
  const name = COMMON[algorithm];
  let counted: StoredChecksum | undefined;
  const check = (digest: Buffer): void => {
    const value = digest.toString('base64');
    if (value !== (expected() ?? value)) throw badChecksum(algorithm);
    counted = { algorithm, value, type: 'FULL_OBJECT' };
  };
  return {
    counted: () => counted,
    body: {
      sizeBytes: body.sizeBytes,
      collect: async (maxBytes) => {
        const data = await body.collect(maxBytes);
        check(checksumsOf([name], [data])[name]);
        return data;
      },
      chunks: async function* () {
        const hasher = createHasher({ algorithms: [name], sizeHint: body.sizeBytes });
        try {
          for await (const chunk of body.chunks()) {
            const hashed = hasher.update(chunk);
            if (hashed !== undefined) await hashed;
            yield chunk;
          }
          check((await hasher.digest())[name]);
        } finally {
          hasher.abort();
        }
      },
    },
  };
}

export function packChecksum({ algorithm, value, type }: StoredChecksum): string {
  return `${algorithm} ${value} ${type}`;
}

export function checksumOf(metadata: Metadata): StoredChecksum | undefined {
  const text = metadata[OBJECT_CHECKSUM];
  if (text === undefined) return undefined;
  const [algorithm, value, type] = text.split(' ') as [S3Checksum, string, ChecksumType];
  return { algorithm, value, type };
}

/** The headers that show a checksum. */
export function checksumHeaders(checksum: StoredChecksum | undefined): Record<string, string> {
  return checksum === undefined ? {} : { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}
