/** Tags of objects and buckets: rules, the query form of headers and metadata, and XML. */
import { parseQuery } from '#common/http';
import { S3Error } from '../errors.ts';
import { malformed, type XmlElement } from '../xml/parse.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

export type Tags = ReadonlyMap<string, string>;

export const MAX_OBJECT_TAGS = 10;
export const MAX_BUCKET_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;

/** Reads `a=1&b=2`. */
export function parseTagQuery(text: string): Tags {
  const pairs = text.split('&').filter((pair) => pair !== '');
  const tags = parseQuery(text);
  if (tags === undefined) throw new S3Error('InvalidArgument', 'The header x-amz-tagging shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.');
  if (tags.size !== pairs.length) throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key');
  return tags;
}

export function checkTags(tags: Tags, most: number): Tags {
  if (tags.size > most) throw most === MAX_OBJECT_TAGS ? new S3Error('InvalidTag', `Object tags cannot be greater than ${most}`) : new S3Error('InvalidTag', `Bucket tag count cannot be greater than ${most}`);
  for (const [key, value] of tags) {
    if (key === '' || [...key].length > MAX_KEY) throw new S3Error('InvalidTag', 'The TagKey you have provided is invalid');
    if ([...value].length > MAX_VALUE) throw new S3Error('InvalidTag', 'The TagValue you have provided is invalid');
    if (key.startsWith('aws:')) throw new S3Error('InvalidTag', 'System tags cannot be added/updated by requester');
  }
  return tags;
}

/** In order of their keys. */
export function tagQuery(tags: Tags): string {
  return [...tags].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&');
}

/** Reads a Tagging document. */
export function tagsOfXml(root: XmlElement): Tags {
  const tags = new Map<string, string>();
  for (const tag of root.must('TagSet').all('Tag')) {
    const key = tag.one('Key')?.text;
    const value = tag.one('Value')?.text;
    if (key === undefined || value === undefined) throw malformed();
    if (tags.has(key)) throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key');
    tags.set(key, value);
  }
  return tags;
}

export function taggingXml(tags: Tags): string {
  return xmlDocument('Tagging', element('TagSet', ...[...tags].map(([key, value]) => element('Tag', leaf('Key', key), leaf('Value', value)))));
}
