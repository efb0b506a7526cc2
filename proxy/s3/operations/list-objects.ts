/** ListObjects: the first version of the listing, whose markers are names. */
import type { Response } from '#proxy/edge';
import { entryName, isSubdirectory } from '#storage-node/protocol';
import { authorize } from '../access/authorize.ts';
import { bucketOwnerXml, commonPrefixXml, contentsXml, listingParameters, markerBehind, name } from '../object/listing.ts';
import { xmlAnswer, type BucketRequest } from '../request.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

export async function listObjects(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:ListBucket', permission: 'READ' });
  const { bucket, store, query } = request;
  const parameters = listingParameters(query);
  const { prefix, delimiter, maxKeys, encode, encoded } = parameters;
  const marker = name(query, 'marker');
  const page = maxKeys === 0 ? { entries: [], truncated: false } : await store.containers.list(bucket, { limit: maxKeys, marker: markerBehind(marker, parameters), endMarker: '', prefix, delimiter, reverse: false });
  const owner = bucketOwnerXml(request);
  const last = page.entries.at(-1);
  return xmlAnswer(
    xmlDocument(
      'ListBucketResult',
      leaf('Name', bucket.container),
      // As botocore reads it: it decodes every name of this listing but this.
      leaf('Prefix', prefix),
      leaf('Marker', encode(marker)),
      page.truncated && delimiter !== '' && last !== undefined ? leaf('NextMarker', encode(entryName(last))) : '',
      leaf('MaxKeys', maxKeys),
      delimiter === '' ? '' : leaf('Delimiter', encode(delimiter)),
      encoded ? leaf('EncodingType', 'url') : '',
      leaf('IsTruncated', page.truncated),
      ...page.entries.map((entry) => (isSubdirectory(entry) ? commonPrefixXml(entry.subdir, parameters) : contentsXml(entry, parameters, owner))),
    ),
  );
}
