/** ListParts: what an upload has so far. */
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { ownerXml } from '../access/grants.ts';
import { checksumOfPart, checksumOfUpload, findUpload, UPLOAD_INITIATOR } from '../multipart/upload.ts';
import { maxKeysOf } from '../object/listing.ts';
import { OBJECT_OWNER, OBJECT_STORAGE_CLASS } from '../object/metadata.ts';
import { unpackText, xmlAnswer, type ObjectRequest } from '../request.ts';
import { formatIso } from '../time.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

export async function listParts(request: ObjectRequest): Promise<Response> {
  const { store, target, key, bucket, query, directory, settings } = request;
  authorize(request, { action: 's3:ListMultipartUploadParts', permission: 'WRITE', key });
  const upload = await findUpload(request);
  const limit = maxKeysOf(query, 'max-parts');
  const marker = maxKeysOf(query, 'part-number-marker');
  const after = query.has('part-number-marker') ? marker : 0;
  const { parts } = await store.uploads.parts(target, upload.id);
  const following = parts.filter(({ number }) => number > after);
  const page = following.slice(0, limit);
  const checksum = checksumOfUpload(upload);
  const owner = upload.metadata[OBJECT_OWNER] === undefined ? bucket.ownerId : unpackText(upload.metadata[OBJECT_OWNER]);
  const initiator = unpackText(upload.metadata[UPLOAD_INITIATOR] ?? '');
  return xmlAnswer(
    xmlDocument(
      'ListPartsResult',
      leaf('Bucket', bucket.container),
      leaf('Key', key),
      leaf('UploadId', upload.id),
      ownerXml('Initiator', initiator, directory),
      ownerXml('Owner', owner, directory),
      leaf('StorageClass', upload.metadata[OBJECT_STORAGE_CLASS] ?? 'STANDARD'),
      leaf('PartNumberMarker', after),
      following.length > page.length || settings.swiftHabits ? leaf('NextPartNumberMarker', page.at(-1)?.number ?? after) : '',
      leaf('MaxParts', limit),
      leaf('IsTruncated', following.length > page.length),
      checksum === undefined ? '' : leaf('ChecksumAlgorithm', checksum.algorithm) + leaf('ChecksumType', checksum.type),
      ...page.map((part) => {
        const own = checksumOfPart(part);
        return element('Part', leaf('PartNumber', part.number), leaf('LastModified', formatIso(part.modifiedAt)), leaf('ETag', `"${part.etag}"`), leaf('Size', part.bytes), own === undefined ? '' : leaf(`Checksum${own.algorithm}`, own.value));
      }),
    ),
  );
}
