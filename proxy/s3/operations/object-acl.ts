/** GetObjectAcl, PutObjectAcl. */
import { ETAG } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { isPrivate, packAcl } from '../access/acl.ts';
import { aclXml } from '../access/grants.ts';
import { lookAt } from '../object/look.ts';
import { OBJECT_ACL, objectAcl } from '../object/metadata.ts';
import { noteChanged } from '../notifications/notifications.ts';
import { versionHeader } from '../object/write.ts';
import { emptyAnswer, packText, xmlAnswer, type ObjectRequest } from '../request.ts';
import { askedAcl } from './bucket-acl.ts';

export async function getObjectAcl(request: ObjectRequest): Promise<Response> {
  await using seen = await lookAt(request, { reading: 'head', actions: ['s3:GetObjectAcl', 's3:GetObjectVersionAcl'], permission: 'READ_ACP' });
  return xmlAnswer(aclXml(objectAcl(seen.info.metadata, request.bucket), request.directory), versionHeader(seen.versionId));
}

export async function putObjectAcl(request: ObjectRequest): Promise<Response> {
  const { bucket, store } = request;
  await using seen = await lookAt(request, { reading: 'head', actions: ['s3:PutObjectAcl', 's3:PutObjectVersionAcl'], permission: 'WRITE_ACP' });
  const current = objectAcl(seen.info.metadata, bucket);
  const acl = await askedAcl(request, current, { owner: current.owner, bucketOwner: bucket.ownerId });
  await store.objects.post(seen.place, ({ metadata: { [ETAG]: _, [OBJECT_ACL]: _before, ...metadata } }) => ({ ...metadata, ...(isPrivate(acl) ? {} : { [OBJECT_ACL]: packText(packAcl(acl)) }) }));
  await noteChanged(request, seen, 's3:ObjectAcl:Put');
  return emptyAnswer(200, versionHeader(seen.versionId));
}
