/** GetBucketWebsite, PutBucketWebsite, DeleteBucketWebsite. */
import { deleteConfiguration, getConfiguration, putConfiguration, type Configuration } from '../bucket/configuration.ts';
import { websiteOfXml, websiteXml, type WebsiteConfiguration } from '../website/configuration.ts';
import { parseXml } from '../xml/parse.ts';

const website: Configuration = {
  setting: 'website',
  action: 'BucketWebsite',
  missing: 'NoSuchWebsiteConfiguration',
  read: (body) => JSON.stringify(websiteOfXml(parseXml(body, 'WebsiteConfiguration'))),
  show: (text) => websiteXml(JSON.parse(text!) as WebsiteConfiguration),
};

export const getBucketWebsite = getConfiguration(website);
export const putBucketWebsite = putConfiguration(website);
export const deleteBucketWebsite = deleteConfiguration(website, 's3:DeleteBucketWebsite');
