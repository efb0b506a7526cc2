/** GetObjectTagging, PutObjectTagging, DeleteObjectTagging. */
import { ETAG } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { lookAt, type Seen } from '../object/look.ts';
import { OBJECT_TAGS, tagsOf } from '../object/metadata.ts';
import { checkTags, MAX_OBJECT_TAGS, taggingXml, tagQuery, tagsOfXml, type Tags } from '../object/tags.ts';
import { noteChanged } from '../notifications/notifications.ts';
import { vouchedBody } from '../object/content-md5.ts';
import { versionHeader } from '../object/write.ts';
import { emptyAnswer, packText, xmlAnswer, type ObjectRequest } from '../request.ts';
import { parseXml } from '../xml/parse.ts';

export async function getObjectTagging(request: ObjectRequest): Promise<Response> {
  await using seen = await lookAt(request, { reading: 'head', actions: ['s3:GetObjectTagging', 's3:GetObjectVersionTagging'], permission: undefined });
  return xmlAnswer(taggingXml(tagsOf(seen.info.metadata)), versionHeader(seen.versionId));
}

export async function putObjectTagging(request: ObjectRequest): Promise<Response> {
  const body = await vouchedBody(request);
  const tags = checkTags(tagsOfXml(parseXml(body, 'Tagging')), MAX_OBJECT_TAGS);
  await using seen = await lookAt(request, { reading: 'head', actions: ['s3:PutObjectTagging', 's3:PutObjectVersionTagging'], permission: undefined });
  authorize(request, { action: 's3:PutObjectTagging', key: request.key, object: seen.info, extras: { requestTags: tags } });
  await setTags(request, seen, tags);
  await noteChanged(request, seen, 's3:ObjectTagging:Put');
  return emptyAnswer(200, versionHeader(seen.versionId));
}

export async function deleteObjectTagging(request: ObjectRequest): Promise<Response> {
  await using seen = await lookAt(request, { reading: 'head', actions: ['s3:DeleteObjectTagging', 's3:DeleteObjectVersionTagging'], permission: undefined });
  await setTags(request, seen, new Map());
  await noteChanged(request, seen, 's3:ObjectTagging:Delete');
  return emptyAnswer(204, versionHeader(seen.versionId));
}

function setTags({ store }: ObjectRequest, { place }: Seen, tags: Tags): Promise<void> {
  return store.objects.post(place, ({ metadata: { [ETAG]: _, [OBJECT_TAGS]: _before, ...metadata } }) => ({ ...metadata, ...(tags.size === 0 ? {} : { [OBJECT_TAGS]: packText(tagQuery(tags)) }) }));
}
