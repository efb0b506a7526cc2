/** ListMultipartUploads: uploads that are open, in order of their keys, then of their beginnings. */
import { COMPLETED_TYPE, reservedName, uploadOfRow } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { entryName, isSubdirectory, type ListingEntry } from '#storage-node/protocol';
import { authorize } from '../access/authorize.ts';
import { ownerXml } from '../access/grants.ts';
import { commonPrefixXml, listingParameters, maxKeysOf, name, type ListingParameters } from '../object/listing.ts';
import { xmlAnswer, type BucketRequest } from '../request.ts';
import { formatIso } from '../time.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

export async function listMultipartUploads(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:ListBucketMultipartUploads', permission: 'READ' });
  const { bucket, query, directory, settings } = request;
  const parameters = listingParameters(query);
  const { prefix, delimiter, encode, encoded } = parameters;
  const limit = maxKeysOf(query, 'max-uploads');
  const [keyMarker, idMarker] = [name(query, 'key-marker'), name(query, 'upload-id-marker')];
  const { entries, truncated } = await openUploads(request, parameters, { keyMarker, idMarker, limit });
  const last = entries.at(-1);
  const next = last === undefined ? undefined : isSubdirectory(last) ? { object: last.subdir.slice(1), id: '' } : uploadOfRow(last);
  const tellsNext = truncated || (settings.swiftHabits && entries.length > 1);
  return xmlAnswer(
    xmlDocument(
      'ListMultipartUploadsResult',
      leaf('Bucket', bucket.container),
      leaf('KeyMarker', encode(keyMarker)),
      leaf('UploadIdMarker', idMarker),
      leaf('NextKeyMarker', tellsNext && next !== undefined ? encode(next.object) : ''),
      leaf('NextUploadIdMarker', tellsNext ? (next?.id ?? '') : ''),
      delimiter === '' ? '' : leaf('Delimiter', encode(delimiter)),
      leaf('Prefix', encode(prefix)),
      leaf('MaxUploads', limit),
      encoded ? leaf('EncodingType', 'url') : '',
      leaf('IsTruncated', truncated),
      ...entries.map((entry) => {
        if (isSubdirectory(entry)) return commonPrefixXml(entry.subdir.slice(1), parameters);
        const upload = uploadOfRow(entry)!;
        return element('Upload', leaf('Key', encode(upload.object)), leaf('UploadId', upload.id), ownerXml('Initiator', upload.label, directory), ownerXml('Owner', upload.label, directory), leaf('StorageClass', 'STANDARD'), leaf('Initiated', formatIso(upload.startedAt)));
      }),
    ),
  );
}

interface Wanted {
  readonly keyMarker: string;
  readonly idMarker: string;
  readonly limit: number;
}

/** The open ones among the records: those completed are passed over. */
async function openUploads({ store, bucket }: BucketRequest, { prefix, delimiter }: ListingParameters, { keyMarker, idMarker, limit }: Wanted): Promise<{ entries: ListingEntry[]; truncated: boolean }> {
  const entries: ListingEntry[] = [];
  // Ids begin with digits: a colon comes after all of them.
  let marker = keyMarker === '' ? '' : reservedName(keyMarker, idMarker === '' ? ':' : idMarker);
  let more = limit > 0;
  while (more && entries.length <= limit) {
    const page = await store.uploads.list(bucket, { prefix, delimiter, marker, limit: limit + 1 });
    entries.push(...page.entries.filter((entry) => isSubdirectory(entry) || (entry.contentType !== COMPLETED_TYPE && uploadOfRow(entry) !== undefined)));
    more = page.truncated;
    const last = page.entries.at(-1);
    if (last !== undefined) marker = isSubdirectory(last) ? `${last.subdir}\u{10ffff}` : entryName(last);
  }
  return { entries: entries.slice(0, limit), truncated: entries.length > limit };
}
