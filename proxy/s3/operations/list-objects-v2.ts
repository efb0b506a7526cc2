/** ListObjectsV2: the second version of the listing, whose tokens are opaque. */
import type { Response } from '#proxy/edge';
import { entryName, isSubdirectory } from '#storage-node/protocol';
import { authorize } from '../access/authorize.ts';
import { S3Error } from '../errors.ts';
import { bucketOwnerXml, commonPrefixXml, contentsXml, listingParameters, markerBehind, name } from '../object/listing.ts';
import { xmlAnswer, type BucketRequest } from '../request.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

export async function listObjectsV2(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:ListBucket', permission: 'READ' });
  const { bucket, store, query } = request;
  const parameters = listingParameters(query);
  const { prefix, delimiter, maxKeys, encode, encoded } = parameters;
  const token = query.get('continuation-token');
  const startAfter = name(query, 'start-after');
  const marker = token === undefined || token === '' ? startAfter : markerOfToken(token);
  const page = maxKeys === 0 ? { entries: [], truncated: false } : await store.containers.list(bucket, { limit: maxKeys, marker: markerBehind(marker, parameters), endMarker: '', prefix, delimiter, reverse: false });
  const owner = query.get('fetch-owner') === 'true' ? bucketOwnerXml(request) : '';
  const last = page.entries.at(-1);
  return xmlAnswer(
    xmlDocument(
      'ListBucketResult',
      leaf('Name', bucket.container),
      leaf('Prefix', encode(prefix)),
      leaf('ContinuationToken', token),
      query.has('start-after') ? leaf('StartAfter', encode(startAfter)) : '',
      page.truncated && last !== undefined ? leaf('NextContinuationToken', tokenOf(entryName(last))) : '',
      leaf('KeyCount', page.entries.length),
      leaf('MaxKeys', maxKeys),
      delimiter === '' ? '' : leaf('Delimiter', encode(delimiter)),
      encoded ? leaf('EncodingType', 'url') : '',
      leaf('IsTruncated', page.truncated),
      ...page.entries.map((entry) => (isSubdirectory(entry) ? commonPrefixXml(entry.subdir, parameters) : contentsXml(entry, parameters, owner))),
    ),
  );
}

function tokenOf(marker: string): string {
  return Buffer.from(`1${marker}`, 'utf8').toString('base64url');
}

function markerOfToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('1') || text.includes('\0')) throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', { ArgumentName: 'continuation-token' });
  return text.slice(1);
}
