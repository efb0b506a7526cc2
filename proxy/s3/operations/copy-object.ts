/** CopyObject: an object's bytes and what goes with them, to another name. */
import { bodyOfBuffer, bodyOfChunks, type Body } from '#common/stream';
import { DYNAMIC, ETAG, isReserved, MANIFEST_BYTES, MANIFEST_ETAG, NULL_VERSION, UPLOAD_ID } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { LISTED_BYTES, LISTED_ETAG, type Metadata } from '#storage-node/protocol';
import { authorize } from '../access/authorize.ts';
import { S3Error } from '../errors.ts';
import { checkedCopy, checksumOf, packChecksum, parseAlgorithm, type StoredChecksum } from '../object/checksum.ts';
import { checkCopyConditions } from '../object/conditions.ts';
import { copySource } from '../object/copy-source.ts';
import { lookAt, READING, type Seen } from '../object/look.ts';
import { encryptionFor, type Encrypting } from '../object/encryption.ts';
import { encryptionHeaders, metadataOfHeaders, OBJECT_ACL, OBJECT_CHECKSUM, OBJECT_ENCRYPTION, OBJECT_LEGAL_HOLD, OBJECT_OWNER, OBJECT_RETENTION, OBJECT_STORAGE_CLASS, OBJECT_TAGS, tagsOf } from '../object/metadata.ts';
import { governedMetadata, tagsOfHeader, versionHeader, writeObject, type Written } from '../object/write.ts';
import { formatVersionId } from '../object/version-id.ts';
import { MAX_OBJECT_BYTES, xmlAnswer, type ObjectRequest } from '../request.ts';
import { formatIso } from '../time.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

export async function copyObject(request: ObjectRequest): Promise<Response> {
  const { exchange, key } = request;
  const range = exchange.header('range');
  if (range !== undefined) throw new S3Error('InvalidArgument', 'RANGE is not supported in Copy!', { ArgumentName: 'Range', ArgumentValue: range });
  const [replaceMetadata, replaceTags] = ['x-amz-metadata-directive', 'x-amz-tagging-directive'].map((name) => isReplace(exchange.header(name), name));
  const source = await copySource(request);
  await using seen = await lookAt(source.request, { reading: 'get', ...READING, keyPrefix: 'x-amz-copy-source-' }, source.versionId);
  authorize(request, { action: 's3:PutObject', permission: 'WRITE', key, ...(replaceTags === true ? {} : { extras: { requestTags: tagsOf(seen.info.metadata) } }) });
  checkCopyConditions(exchange, seen);
  if (seen.sizeBytes > MAX_OBJECT_BYTES) throw new S3Error('InvalidRequest', 'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120');
  if (isItself(request, source.request, source.versionId) && replaceMetadata !== true && !changesSomething(request)) {
    throw new S3Error('InvalidRequest', "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.");
  }
  const tags = replaceTags === true ? tagsOfHeader(request) : tagsOf(seen.info.metadata);
  const encryption = encryptionFor(request);
  const own = replaceMetadata === true ? metadataOfHeaders(exchange.headers) : { ...carried(seen.info.metadata), ...classOf(request) };
  const metadata = { ...own, ...governedMetadata(request, { tags: tags ?? new Map(), encryption }) };
  const { written, checksum } = await write(request, seen, metadata, encryption);
  return xmlAnswer(resultXml('CopyObjectResult', written, checksum), {
    ...versionHeader(written.versionId),
    ...(seen.versionId === undefined ? {} : { 'x-amz-copy-source-version-id': formatVersionId(seen.versionId) }),
    ...encryptionHeaders(encryption?.label),
  });
}

export function resultXml(root: string, { etag, timestamp }: Pick<Written, 'etag' | 'timestamp'>, checksum: StoredChecksum | undefined): string {
  const sum = checksum === undefined ? '' : leaf(`Checksum${checksum.algorithm}`, checksum.value) + leaf('ChecksumType', checksum.type);
  return xmlDocument(root, leaf('LastModified', formatIso(timestamp)), leaf('ETag', `"${etag}"`), sum);
}

/** The copy has the checksum that is asked for, or the source's if that is of the whole: counted again, so that a copy never spreads rot. */
async function write(request: ObjectRequest, seen: Seen, metadata: Metadata, encryption: Encrypting | undefined): Promise<{ written: Written; checksum: StoredChecksum | undefined }> {
  const held = checksumOf(seen.info.metadata);
  const algorithm = parseAlgorithm(request.exchange.header('x-amz-checksum-algorithm')) ?? held?.algorithm;
  const expected = held !== undefined && held.algorithm === algorithm && held.type === 'FULL_OBJECT' ? held.value : undefined;
  const { body, counted } = checkedCopy(bytesOf(seen), algorithm, expected);
  const lateMetadata = (): Record<string, string> => {
    const checksum = counted();
    return checksum === undefined ? {} : { [OBJECT_CHECKSUM]: packChecksum(checksum) };
  };
  const written = await writeObject(request, { body, metadata, lateMetadata, keymaster: encryption?.keymaster });
  return { written, checksum: counted() };
}

export function bytesOf({ data, read, sizeBytes }: Seen, start = 0, end = sizeBytes): Body {
  if (data !== undefined) return bodyOfBuffer(data.subarray(start, end));
  return start === end ? bodyOfBuffer(Buffer.alloc(0)) : bodyOfChunks(read(start, end), end - start);
}

function isReplace(text: string | undefined, name: string): boolean {
  if (text === undefined || text === '' || text === 'COPY') return false;
  if (text !== 'REPLACE') throw new S3Error('InvalidArgument', `Unknown ${name === 'x-amz-metadata-directive' ? 'metadata' : 'tagging'} directive.`, { ArgumentName: name, ArgumentValue: text });
  return true;
}

function isItself({ target }: ObjectRequest, { target: source }: ObjectRequest, versionId: unknown): boolean {
  return versionId === undefined && target.account === source.account && target.container === source.container && target.object === source.object && !isReserved(source.container);
}

function changesSomething({ exchange }: ObjectRequest): boolean {
  return ['x-amz-storage-class', 'x-amz-website-redirect-location', 'x-amz-server-side-encryption', 'x-amz-server-side-encryption-customer-algorithm', 'x-amz-copy-source-server-side-encryption-customer-algorithm'].some((name) => exchange.headers[name] !== undefined);
}

function classOf({ exchange }: ObjectRequest): Record<string, string> {
  const storageClass = exchange.header('x-amz-storage-class');
  return storageClass === undefined ? {} : metadataOfHeaders({ 'x-amz-storage-class': storageClass, 'content-type': '' })[OBJECT_STORAGE_CLASS] === undefined ? {} : { [OBJECT_STORAGE_CLASS]: storageClass };
}

/** What goes along with the bytes. The rest is the copy's own, or the store's. */
function carried(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !NOT_CARRIED.has(name)));
}

const NOT_CARRIED: ReadonlySet<string> = new Set([
  ETAG, LISTED_BYTES, LISTED_ETAG, MANIFEST_BYTES, MANIFEST_ETAG, UPLOAD_ID, NULL_VERSION, OBJECT_ACL, OBJECT_OWNER, OBJECT_TAGS, OBJECT_CHECKSUM, OBJECT_RETENTION, OBJECT_LEGAL_HOLD, OBJECT_ENCRYPTION,
  'X-Delete-At', DYNAMIC, 'sys:s3-redirect', 'sys:s3-storage-class',
]);
