/** GetBucketTagging, PutBucketTagging, DeleteBucketTagging. */
import { deleteConfiguration, getConfiguration, putConfiguration, type Configuration } from '../bucket/configuration.ts';
import { checkTags, MAX_BUCKET_TAGS, parseTagQuery, taggingXml, tagQuery, tagsOfXml } from '../object/tags.ts';
import { parseXml } from '../xml/parse.ts';

const tagging: Configuration = {
  setting: 'tagging',
  action: 'BucketTagging',
  missing: 'NoSuchTagSet',
  read: (body) => tagQuery(checkTags(tagsOfXml(parseXml(body, 'Tagging')), MAX_BUCKET_TAGS)),
  show: (text) => taggingXml(parseTagQuery(text!)),
};

export const getBucketTagging = getConfiguration(tagging);
export const putBucketTagging = putConfiguration(tagging);
export const deleteBucketTagging = deleteConfiguration(tagging);
