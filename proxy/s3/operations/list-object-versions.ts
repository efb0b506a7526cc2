/** ListObjectVersions: versions and markers, newest first within a name. */
import { listVersions, type VersionEntry } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { DELETE_MARKER_TYPE, parseListed } from '#proxy/core';
import { authorize } from '../access/authorize.ts';
import { bucketOwnerXml, commonPrefixXml, listingParameters, markerBehind, name, shownRow, type ListingParameters } from '../object/listing.ts';
import { formatVersionId, parseVersionId, type VersionId } from '../object/version-id.ts';
import { S3Error } from '../errors.ts';
import { xmlAnswer, type BucketRequest } from '../request.ts';
import { formatIso } from '../time.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

export async function listObjectVersions(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:ListBucketVersions', permission: 'READ' });
  const { bucket, store, query } = request;
  const parameters = listingParameters(query);
  const { prefix, delimiter, maxKeys, encode, encoded } = parameters;
  const keyMarker = name(query, 'key-marker');
  const versionText = query.get('version-id-marker');
  if (versionText !== undefined && versionText !== '' && !query.has('key-marker')) throw new S3Error('InvalidArgument', 'A version-id marker cannot be specified without a key marker.');
  const versionMarker = await markerOf(request, keyMarker, versionText);
  const marker = versionMarker === undefined ? markerBehind(keyMarker, parameters) : keyMarker;
  const page = maxKeys === 0 ? { entries: [], truncated: false } : await listVersions(store.containers, bucket, { limit: maxKeys, marker, versionMarker, prefix, delimiter, reverse: false });
  const owner = bucketOwnerXml(request);
  const last = page.entries.at(-1);
  return xmlAnswer(
    xmlDocument(
      'ListVersionsResult',
      leaf('Name', bucket.container),
      leaf('Prefix', encode(prefix)),
      leaf('KeyMarker', encode(keyMarker)),
      leaf('VersionIdMarker', versionText ?? ''),
      page.truncated && last !== undefined ? nextMarkers(last, parameters) : '',
      leaf('MaxKeys', maxKeys),
      query.has('delimiter') ? leaf('Delimiter', encode(delimiter)) : '',
      encoded ? leaf('EncodingType', 'url') : '',
      leaf('IsTruncated', page.truncated),
      ...page.entries.map((entry) => ('subdir' in entry ? commonPrefixXml(entry.subdir, parameters) : versionXml(entry, parameters, owner))),
    ),
  );
}

/** Where within a name to go on: a null version that is kept is found by the time that it was made at. */
async function markerOf({ store, bucket }: BucketRequest, key: string, text: string | undefined): Promise<VersionId | undefined> {
  if (text === undefined || text === '') return undefined;
  const id = parseVersionId(text);
  if (id !== 'null') return id;
  return (await store.nullVersions.find({ account: bucket.account, container: bucket.container, object: key })) ?? 'null';
}

function shownId(entry: Exclude<VersionEntry, { subdir: string }>): VersionId {
  return entry.versionId !== 'null' && parseListed(entry.row.etag).isNull ? 'null' : entry.versionId;
}

function nextMarkers(last: VersionEntry, { encode }: ListingParameters): string {
  if ('subdir' in last) return leaf('NextKeyMarker', encode(last.subdir));
  return leaf('NextKeyMarker', encode(last.row.name)) + leaf('NextVersionIdMarker', formatVersionId(shownId(last)));
}

function versionXml(entry: Exclude<VersionEntry, { subdir: string }>, { encode }: ListingParameters, owner: string): string {
  const { row, latest } = entry;
  const { etag, bytes } = shownRow(row);
  const marker = row.contentType === DELETE_MARKER_TYPE;
  return element(
    marker ? 'DeleteMarker' : 'Version',
    leaf('Key', encode(row.name)),
    leaf('VersionId', formatVersionId(shownId(entry))),
    leaf('IsLatest', latest),
    leaf('LastModified', formatIso(entry.versionId === 'null' ? row.timestamp : entry.versionId)),
    marker ? '' : leaf('ETag', `"${etag}"`) + leaf('Size', bytes) + leaf('StorageClass', 'STANDARD'),
    owner,
  );
}
