/** Every operation of the S3 API: which method, on what, with which sub-resource, is answered by which file. */
import type { Response } from '#proxy/edge';
import { findBucket } from './bucket/bucket.ts';
import { preflight, withCors } from './bucket/cors.ts';
import { S3Error } from './errors.ts';
import { causing } from './notifications/cause.ts';
import { causeOf } from './notifications/request-cause.ts';
import { checkKey } from './object/key.ts';
import { abortMultipartUpload } from './operations/abort-multipart-upload.ts';
import { getBucketAcl, putBucketAcl } from './operations/bucket-acl.ts';
import { deleteBucketCors, getBucketCors, putBucketCors } from './operations/bucket-cors.ts';
import { deleteBucketEncryption, getBucketEncryption, putBucketEncryption } from './operations/bucket-encryption.ts';
import { deleteBucketLifecycle, getBucketLifecycle, putBucketLifecycle } from './operations/bucket-lifecycle.ts';
import { getBucketNotification, putBucketNotification } from './operations/bucket-notification.ts';
import { deleteBucketPolicy, getBucketPolicy, getBucketPolicyStatus, putBucketPolicy } from './operations/bucket-policy.ts';
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from './operations/bucket-tagging.ts';
import { getBucketVersioning, putBucketVersioning } from './operations/bucket-versioning.ts';
import { deleteBucketWebsite, getBucketWebsite, putBucketWebsite } from './operations/bucket-website.ts';
import { getBucketAccelerateConfiguration, getBucketRequestPayment, putBucketAccelerateConfiguration, putBucketRequestPayment } from './operations/bucket-words.ts';
import { completeMultipartUpload } from './operations/complete-multipart-upload.ts';
import { copyObject } from './operations/copy-object.ts';
import { createBucket } from './operations/create-bucket.ts';
import { createMultipartUpload } from './operations/create-multipart-upload.ts';
import { deleteBucket } from './operations/delete-bucket.ts';
import { deleteObject } from './operations/delete-object.ts';
import { deleteObjects } from './operations/delete-objects.ts';
import { getBucketLocation } from './operations/get-bucket-location.ts';
import { getObjectAttributes } from './operations/get-object-attributes.ts';
import { getObject, headObject } from './operations/get-object.ts';
import { headBucket } from './operations/head-bucket.ts';
import { listBuckets } from './operations/list-buckets.ts';
import { listMultipartUploads } from './operations/list-multipart-uploads.ts';
import { listObjectVersions } from './operations/list-object-versions.ts';
import { listObjectsV2 } from './operations/list-objects-v2.ts';
import { listObjects } from './operations/list-objects.ts';
import { listParts } from './operations/list-parts.ts';
import { getObjectAcl, putObjectAcl } from './operations/object-acl.ts';
import { getObjectLegalHold, getObjectLockConfiguration, getObjectRetention, putObjectLegalHold, putObjectLockConfiguration, putObjectRetention } from './operations/object-lock.ts';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/object-tagging.ts';
import { deleteBucketOwnershipControls, getBucketOwnershipControls, putBucketOwnershipControls } from './operations/ownership-controls.ts';
import { deletePublicAccessBlock, getPublicAccessBlock, putPublicAccessBlock } from './operations/public-access-block.ts';
import { postObject } from './operations/post-object.ts';
import { putObject } from './operations/put-object.ts';
import { uploadPart, uploadPartCopy } from './operations/upload-part.ts';
import type { BucketRequest, Handler, ObjectRequest, Query, S3Request } from './request.ts';

type Table<R extends S3Request> = Readonly<Record<string, Readonly<Record<string, Handler<R>>>>>;

/** By sub-resource, then method; '' is the bucket or the object itself. */
const BUCKET: Table<BucketRequest> = {
  '': { GET: (request) => (request.query.get('list-type') === '2' ? listObjectsV2(request) : listObjects(request)), HEAD: headBucket, POST: postObject, DELETE: deleteBucket },
  accelerate: { GET: getBucketAccelerateConfiguration, PUT: putBucketAccelerateConfiguration },
  acl: { GET: getBucketAcl, PUT: putBucketAcl },
  cors: { GET: getBucketCors, PUT: putBucketCors, DELETE: deleteBucketCors },
  delete: { POST: deleteObjects },
  lifecycle: { GET: getBucketLifecycle, PUT: putBucketLifecycle, DELETE: deleteBucketLifecycle },
  location: { GET: getBucketLocation },
  encryption: { GET: getBucketEncryption, PUT: putBucketEncryption, DELETE: deleteBucketEncryption },
  notification: { GET: getBucketNotification, PUT: putBucketNotification },
  'object-lock': { GET: getObjectLockConfiguration, PUT: putObjectLockConfiguration },
  ownershipControls: { GET: getBucketOwnershipControls, PUT: putBucketOwnershipControls, DELETE: deleteBucketOwnershipControls },
  policy: { GET: getBucketPolicy, PUT: putBucketPolicy, DELETE: deleteBucketPolicy },
  policyStatus: { GET: getBucketPolicyStatus },
  publicAccessBlock: { GET: getPublicAccessBlock, PUT: putPublicAccessBlock, DELETE: deletePublicAccessBlock },
  requestPayment: { GET: getBucketRequestPayment, PUT: putBucketRequestPayment },
  tagging: { GET: getBucketTagging, PUT: putBucketTagging, DELETE: deleteBucketTagging },
  uploads: { GET: listMultipartUploads },
  versioning: { GET: getBucketVersioning, PUT: putBucketVersioning },
  versions: { GET: listObjectVersions },
  website: { GET: getBucketWebsite, PUT: putBucketWebsite, DELETE: deleteBucketWebsite },
};

const OBJECT: Table<ObjectRequest> = {
  '': { GET: getObject, HEAD: headObject, PUT: (request) => (request.exchange.headers['x-amz-copy-source'] === undefined ? putObject(request) : copyObject(request)), DELETE: deleteObject },
  acl: { GET: getObjectAcl, PUT: putObjectAcl },
  attributes: { GET: getObjectAttributes },
  'legal-hold': { GET: getObjectLegalHold, PUT: putObjectLegalHold },
  retention: { GET: getObjectRetention, PUT: putObjectRetention },
  tagging: { GET: getObjectTagging, PUT: putObjectTagging, DELETE: deleteObjectTagging },
  uploadId: {
    GET: listParts,
    PUT: (request) => (request.exchange.headers['x-amz-copy-source'] === undefined ? uploadPart(request) : uploadPartCopy(request)),
    POST: completeMultipartUpload,
    DELETE: abortMultipartUpload,
  },
  uploads: { POST: createMultipartUpload },
};

/** Sub-resources that AWS has and that are not here: they must not be taken for the bucket or the object itself. */
const ELSEWHERE: ReadonlySet<string> = new Set(['analytics', 'inventory', 'intelligent-tiering', 'metrics', 'session', 'metadataTable', 'metadataConfiguration', 'append', 'torrent', 'renameObject', 'logging', 'replication', 'restore', 'select']);

/** The answer to a request, by what it names. `shaped` makes an answer of a refusal too: a page may see that as well. */
export async function route(request: S3Request, shaped: (work: () => Promise<Response>) => Promise<Response>): Promise<Response> {
  const { bucketName, key, exchange, store, caller } = request;
  const { method } = exchange;
  if (bucketName === undefined) {
    if (method === 'GET') return listBuckets(request);
    throw methodNotAllowed(method);
  }
  const level = key === undefined ? BUCKET : OBJECT;
  const resource = resourceOf(request.query, level);
  if (key === undefined && method === 'PUT' && resource === '') return createBucket(request, bucketName);
  const preflights = method === 'OPTIONS';
  const handlers = level[resource] ?? {};
  if (!preflights && !Object.hasOwn(handlers, method)) throw methodNotAllowed(method);
  if (key !== undefined) checkKey(key);
  const bucket = await findBucket(store, bucketName, caller);
  if (preflights) return preflight(exchange, bucket);
  const { account, container } = bucket;
  const perform = (): Promise<Response> => (key === undefined ? BUCKET[resource]![method]!({ ...request, bucket }) : OBJECT[resource]![method]!({ ...request, bucket, key, target: { account, container, object: key } }));
  const watched = bucket.setting('notification') === undefined ? perform : (): Promise<Response> => causing(causeOf(request, bucket, resource), perform);
  if (exchange.headers.origin === undefined) return watched();
  return withCors(exchange, bucket, await shaped(watched));
}

function resourceOf(query: Query, table: Table<never>): string {
  if (query.size === 0) return '';
  for (const name of query.keys()) {
    if (name !== '' && Object.hasOwn(table, name)) return name;
    if (ELSEWHERE.has(name)) throw new S3Error('NotImplemented');
  }
  return '';
}

function methodNotAllowed(method: string): S3Error {
  return new S3Error('MethodNotAllowed', undefined, { Method: method });
}
