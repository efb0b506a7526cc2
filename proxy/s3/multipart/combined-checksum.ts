/** The checksum of an object made of parts, out of theirs: a checksum of checksums, or, of CRCs, that of the whole. */
import { checksumsOf, combineCrc } from '#common/checksum';
import type { UploadPart } from '#proxy/core';
import { COMMON, type StoredChecksum } from '../object/checksum.ts';
import { checksumOfPart, type UploadChecksum } from './upload.ts';

/** Undefined where the upload has none, or a part lacks it. */
export function combinedChecksum(wanted: UploadChecksum | undefined, parts: readonly UploadPart[]): StoredChecksum | undefined {
  if (wanted === undefined) return undefined;
  const { algorithm, type } = wanted;
  const digests = parts.flatMap((part) => {
    const own = checksumOfPart(part);
    return own?.algorithm === algorithm ? [{ digest: Buffer.from(own.value, 'base64'), bytes: part.bytes }] : [];
  });
  if (digests.length !== parts.length) return undefined;
  const name = COMMON[algorithm];
  if (type === 'FULL_OBJECT' && name !== 'sha1' && name !== 'sha256') {
    const whole = digests.slice(1).reduce<Buffer>((sum, { digest, bytes }) => combineCrc(name, sum, digest, bytes), digests[0]!.digest);
    return { algorithm, type, value: whole.toString('base64') };
  }
  const digest = checksumsOf([name], [Buffer.concat(digests.map((part) => part.digest))])[name];
  return { algorithm, type: 'COMPOSITE', value: `${digest.toString('base64')}-${parts.length}` };
}
