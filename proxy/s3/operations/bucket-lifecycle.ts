/** GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration, DeleteBucketLifecycle. */
import { deleteConfiguration, getConfiguration, putConfiguration, type Configuration } from '../bucket/configuration.ts';
import { rulesOfXml, rulesXml, type LifecycleRule } from '../lifecycle/rules.ts';
import { parseXml } from '../xml/parse.ts';

const lifecycle: Configuration = {
  setting: 'lifecycle',
  action: 'LifecycleConfiguration',
  missing: 'NoSuchLifecycleConfiguration',
  vouched: true,
  read: (body) => JSON.stringify(rulesOfXml(parseXml(body, 'LifecycleConfiguration', 'BucketLifecycleConfiguration'))),
  show: (text) => rulesXml(JSON.parse(text!) as LifecycleRule[]),
};

export const getBucketLifecycle = getConfiguration(lifecycle);
export const putBucketLifecycle = putConfiguration(lifecycle);
export const deleteBucketLifecycle = deleteConfiguration(lifecycle);
