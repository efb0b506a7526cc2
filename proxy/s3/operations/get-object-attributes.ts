/** GetObjectAttributes: tag, checksum, size, class and parts of an object, without its data. */
import { formatHttpDate } from '#common/http';
import { partBytes, partNumberOf } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { S3Error } from '../errors.ts';
import { checksumOfType } from '../multipart/upload.ts';
import { checksumOf } from '../object/checksum.ts';
import { lookAt, READING, type Seen } from '../object/look.ts';
import { OBJECT_STORAGE_CLASS } from '../object/metadata.ts';
import { versionHeader } from '../object/write.ts';
import { xmlAnswer, type ObjectRequest } from '../request.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
const MAX_PARTS_SHOWN = 1000;

export async function getObjectAttributes(request: ObjectRequest): Promise<Response> {
  const { exchange } = request;
  const asked = (exchange.header('x-amz-object-attributes') ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '');
  if (asked.length === 0) throw new S3Error('InvalidRequest', 'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty');
  const wrong = asked.find((name) => !ATTRIBUTES.some((known) => known.toLowerCase() === name.toLowerCase()));
  if (wrong !== undefined) throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', { ArgumentName: 'x-amz-object-attributes', ArgumentValue: wrong });
  const wants = (name: (typeof ATTRIBUTES)[number]): boolean => asked.some((each) => each.toLowerCase() === name.toLowerCase());
  await using seen = await lookAt(request, { reading: wants('ObjectParts') ? 'get' : 'head', ...READING });
  const checksum = checksumOf(seen.info.metadata);
  return xmlAnswer(
    xmlDocument(
      'GetObjectAttributesResponse',
      wants('ETag') ? leaf('ETag', seen.etag) : '',
      wants('Checksum') && checksum !== undefined ? element('Checksum', leaf(`Checksum${checksum.algorithm}`, checksum.value), leaf('ChecksumType', checksum.type)) : '',
      wants('ObjectParts') && seen.entries !== undefined ? partsXml(request, seen) : '',
      wants('StorageClass') ? leaf('StorageClass', seen.info.metadata[OBJECT_STORAGE_CLASS] ?? 'STANDARD') : '',
      wants('ObjectSize') ? leaf('ObjectSize', seen.sizeBytes) : '',
    ),
    { 'Last-Modified': formatHttpDate(seen.modifiedSeconds), ...versionHeader(seen.versionId) },
  );
}

function partsXml({ exchange }: ObjectRequest, { parts = [], entries = [] }: Seen): string {
  const all = parts.map((part, i) => {
    const entry = entries[i];
    const named = entry === undefined || 'data' in entry ? undefined : entry;
    const number = named === undefined ? undefined : partNumberOf(named.name.slice(named.name.indexOf('/', 1) + 1));
    return { number: number ?? i + 1, bytes: partBytes(part), checksum: named === undefined ? undefined : checksumOfType(named.content_type) };
  });
  const limit = Math.min(wholeNumber(exchange.header('x-amz-max-parts')) ?? MAX_PARTS_SHOWN, MAX_PARTS_SHOWN);
  const marker = wholeNumber(exchange.header('x-amz-part-number-marker')) ?? 0;
  const following = all.filter(({ number }) => number > marker);
  const page = following.slice(0, limit);
  // Parts are told one by one only where each has its checksum, as AWS does.
  const shown = page.every(({ checksum }) => checksum !== undefined) ? page : [];
  return element(
    'ObjectParts',
    leaf('IsTruncated', following.length > page.length),
    leaf('MaxParts', limit),
    leaf('NextPartNumberMarker', page.at(-1)?.number ?? 0),
    leaf('PartNumberMarker', marker),
    ...shown.map(({ number, bytes, checksum }) => element('Part', leaf('PartNumber', number), leaf('Size', bytes), leaf(`Checksum${checksum!.algorithm}`, checksum!.value))),
    leaf('PartsCount', all.length),
  );
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new S3Error('InvalidArgument');
  return Number(text);
}
