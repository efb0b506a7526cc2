/** CompleteMultipartUpload: the parts that are listed become one object, without a byte being copied. */
import { hash } from 'node:crypto';
import { isStoreError, StoreError, timestampToMs, type Timestamp } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { linkOf, MANIFEST_ETAG, partsContainer, storeManifest, UPLOAD_ID, versionOfLink, type SegmentEntry, type Upload, type UploadPart } from '#proxy/core';
import type { Response } from '#proxy/edge';
import type { Metadata } from '#storage-node/protocol';
import { authorize } from '../access/authorize.ts';
import { S3Error } from '../errors.ts';
import { combinedChecksum } from '../multipart/combined-checksum.ts';
import { checksumOfPart, checksumOfUpload, findUpload, noSuchUpload, UPLOAD_CHECKSUM, UPLOAD_INITIATOR } from '../multipart/upload.ts';
import { checksumHeader, checksumOf, packChecksum, S3_CHECKSUMS, type StoredChecksum } from '../object/checksum.ts';
import { MAX_PARTS, MIN_PART_BYTES } from '../object/limits.ts';
import { OBJECT_CHECKSUM, encryptionHeaders, OBJECT_ENCRYPTION } from '../object/metadata.ts';
import { checkReadKey, clientKeyOf } from '../object/encryption.ts';
import { writeObject } from '../object/write.ts';
import { vouchedBody } from '../object/content-md5.ts';
import { xmlAnswer, type ObjectRequest } from '../request.ts';
import { malformed, parseXml, type XmlElement } from '../xml/parse.ts';
import { leaf, xmlDocument } from '../xml/write.ts';
import { formatVersionId } from '../object/version-id.ts';

const MAX_BODY_BYTES = 4 * 1024 ** 2;

interface ListedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksum: string | undefined;
}

export async function completeMultipartUpload(request: ObjectRequest): Promise<Response> {
  const { store, target, key, bucket, exchange } = request;
  authorize(request, { action: 's3:PutObject', permission: 'WRITE', key });
  const upload = await findUpload(request, true);
  const listed = listedParts(parseXml(await vouchedBody(request, { maxBytes: MAX_BODY_BYTES, checksums: false }), 'CompleteMultipartUpload', 'CompletedMultipartUpload'));
  const clientKey = clientKeyOf(exchange);
  checkReadKey(upload.metadata, clientKey);
  const token = hash('sha256', listed.map(({ number, etag }) => `${number}:${etag}`).join(','), 'hex');
  const answer = await store.uploads
    .complete(target, upload.id, { token, write: () => write(request, upload, listed), written: () => written(request, upload) })
    .catch((error: unknown) => Promise.reject(isStoreError(error, 'object-not-found') && error.message.includes('upload') ? noSuchUpload(upload.id) : (error as Error)));
  const checksum = answer['checksum'] === undefined ? undefined : checksumOf({ [OBJECT_CHECKSUM]: answer['checksum'] });
  const sum = checksum === undefined ? '' : leaf(`Checksum${checksum.algorithm}`, checksum.value) + leaf('ChecksumType', checksum.type);
  const location = `${exchange.scheme}://${exchange.header('host') ?? 'localhost'}${exchange.path}`;
  return xmlAnswer(xmlDocument('CompleteMultipartUploadResult', leaf('Location', location), leaf('Bucket', bucket.container), leaf('Key', key), leaf('ETag', `"${answer['etag'] ?? ''}"`), sum), {
    ...(answer['versionId'] === undefined ? {} : { 'x-amz-version-id': answer['versionId'] }),
    ...encryptionHeaders(upload.metadata[OBJECT_ENCRYPTION]),
  });
}

function listedParts(root: XmlElement): ListedPart[] {
  const parts = root.all('Part');
  if (parts.length === 0 || parts.length > MAX_PARTS) throw malformed();
  const listed = parts.map((part) => {
    const [number, etag] = [Number(part.textOf('PartNumber')), part.textOf('ETag')];
    if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS || etag === undefined) throw malformed();
    const checksum = S3_CHECKSUMS.map((algorithm) => part.textOf(`Checksum${algorithm}`)).find((value) => value !== undefined && value !== '');
    return { number, etag: etag.replaceAll('"', ''), checksum };
  });
  if (listed.some(({ number }, i) => i > 0 && number <= listed[i - 1]!.number)) throw new S3Error('InvalidPartOrder');
  return listed;
}

async function write(request: ObjectRequest, upload: Upload, listed: readonly ListedPart[]): Promise<Metadata> {
  const { store, target } = request;
  const { parts: held, attempts } = await store.uploads.parts(target, upload.id);
  const parts = chosen(held, listed);
  const etag = `${hash('md5', Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex'))), 'hex')}-${parts.length}`;
  const checksum = checksumFor(request, upload, parts);
  const stored = storeManifest(target.account, parts.map((part) => entryOf(request, part)), etag);
  checkSize(request, stored.sizeBytes);
  const { [UPLOAD_CHECKSUM]: _, [UPLOAD_INITIATOR]: _initiator, ...own } = upload.metadata;
  const metadata = { ...own, ...stored.metadata, [UPLOAD_ID]: upload.id, ...(checksum === undefined ? {} : { [OBJECT_CHECKSUM]: packChecksum(checksum) }) };
  const { versionId } = await writeObject(request, { body: bodyOfBuffer(stored.data), metadata });
  if (attempts > parts.length) await store.uploads.endUnused(target, upload.id, new Set(parts.map(({ name }) => name)));
  return answerOf(etag, versionId === undefined || versionId === 'null' ? undefined : formatVersionId(versionId), checksum === undefined ? undefined : packChecksum(checksum));
}

function answerOf(etag: string, versionId: string | undefined, checksum: string | undefined): Metadata {
  return { etag, ...(versionId === undefined ? {} : { versionId }), ...(checksum === undefined ? {} : { checksum }) };
}

/** What an earlier attempt wrote, if it is what is there. */
async function written({ store, target }: ObjectRequest, { id }: Upload): Promise<Metadata | undefined> {
  try {
    const info = await store.objects.head(target);
    const link = linkOf(info.metadata);
    const { metadata } = link === undefined ? info : await store.objects.head({ account: target.account, container: link.container, object: link.object });
    if (metadata[UPLOAD_ID] !== id) return undefined;
    const version = link === undefined ? undefined : versionOfLink(link);
    return answerOf(metadata[MANIFEST_ETAG] ?? '', version === undefined ? undefined : formatVersionId(version), metadata[OBJECT_CHECKSUM]);
  } catch (error) {
    if (isStoreError(error, 'object-not-found')) return undefined;
    throw error;
  }
}

/** The parts that the list names, in its order. */
function chosen(held: readonly UploadPart[], listed: readonly ListedPart[]): UploadPart[] {
  const byNumber = new Map(held.map((part) => [part.number, part]));
  return listed.map(({ number, etag, checksum }, i) => {
    const part = byNumber.get(number);
    if (part === undefined || part.etag !== etag) throw new S3Error('InvalidPart', undefined, { PartNumber: String(number), ETag: etag });
    const own = checksumOfPart(part);
    if (checksum !== undefined && own !== undefined && own.value !== checksum) throw new S3Error('InvalidPart', undefined, { PartNumber: String(number), ETag: etag });
    if (part.bytes < MIN_PART_BYTES && i < listed.length - 1) throw new S3Error('EntityTooSmall', undefined, { ProposedSize: String(part.bytes), MinSizeAllowed: String(MIN_PART_BYTES), PartNumber: String(number), ETag: etag });
    return part;
  });
}

function checksumFor({ exchange }: ObjectRequest, upload: Upload, parts: readonly UploadPart[]): StoredChecksum | undefined {
  const wanted = checksumOfUpload(upload);
  const type = exchange.header('x-amz-checksum-type')?.toUpperCase();
  if (wanted !== undefined && type !== undefined && type !== wanted.type) throw new S3Error('InvalidRequest', `The upload was created using the ${wanted.type} checksum mode. The complete request must use the same checksum mode.`);
  const checksum = combinedChecksum(wanted, parts);
  const given = S3_CHECKSUMS.find((algorithm) => exchange.headers[checksumHeader(algorithm)] !== undefined);
  if (given !== undefined && checksum !== undefined) {
    const value = exchange.header(checksumHeader(given))!;
    if (given !== checksum.algorithm || (value !== checksum.value && value !== checksum.value.replace(/-\d+$/, ''))) throw new StoreError('checksum-mismatch', 'the checksum of the whole differs', { detail: { code: 'BadDigest' } });
  }
  return checksum;
}

function checkSize({ exchange }: ObjectRequest, sizeBytes: number): void {
  const promised = exchange.header('x-amz-mp-object-size');
  if (promised !== undefined && Number(promised) !== sizeBytes) throw new S3Error('InvalidRequest', `The provided 'x-amz-mp-object-size' header value ${promised} does not match what was computed: ${sizeBytes}`);
}

function entryOf({ target }: ObjectRequest, part: UploadPart): SegmentEntry {
  return { name: `/${partsContainer(target).container}/${part.name}`, bytes: part.bytes, hash: part.etag, content_type: part.contentType, last_modified: isoOf(part.modifiedAt) };
}

function isoOf(timestamp: Timestamp): string {
  return new Date(timestampToMs(timestamp)).toISOString().slice(0, -1);
}
