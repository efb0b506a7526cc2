/** CreateMultipartUpload: what the object will be stored with comes now. */
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { checksumAsked, UPLOAD_CHECKSUM, UPLOAD_INITIATOR } from '../multipart/upload.ts';
import { encryptionFor } from '../object/encryption.ts';
import { encryptionHeaders, metadataOfHeaders } from '../object/metadata.ts';
import { ANONYMOUS_ID, governedMetadata } from '../object/write.ts';
import { packText, xmlAnswer, type ObjectRequest } from '../request.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

export async function createMultipartUpload(request: ObjectRequest): Promise<Response> {
  const { exchange, key, store, bucket, target, caller } = request;
  authorize(request, { action: 's3:PutObject', permission: 'WRITE', key });
  const checksum = checksumAsked(request);
  const encryption = encryptionFor(request);
  const metadata: Record<string, string> = {
    ...metadataOfHeaders(exchange.headers),
    ...governedMetadata(request, { encryption }),
    ...(checksum === undefined ? {} : { [UPLOAD_CHECKSUM]: `${checksum.algorithm} ${checksum.type}` }),
    [UPLOAD_INITIATOR]: packText(caller?.canonicalId ?? ANONYMOUS_ID),
  };
  const id = await store.uploads.create(target, metadata, { policy: bucket.summary.policy, label: caller?.canonicalId ?? ANONYMOUS_ID });
  return xmlAnswer(xmlDocument('InitiateMultipartUploadResult', leaf('Bucket', bucket.container), leaf('Key', key), leaf('UploadId', id)), {
    ...(checksum === undefined ? {} : { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type }),
    ...encryptionHeaders(encryption?.label),
  });
}
