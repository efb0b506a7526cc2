/** GetBucketCors, PutBucketCors, DeleteBucketCors. */
import { deleteConfiguration, getConfiguration, putConfiguration, type Configuration } from '../bucket/configuration.ts';
import { corsOfXml, corsXml, type CorsRule } from '../bucket/cors.ts';
import { parseXml } from '../xml/parse.ts';

const cors: Configuration = {
  setting: 'cors',
  action: 'BucketCORS',
  missing: 'NoSuchCORSConfiguration',
  read: (body) => JSON.stringify(corsOfXml(parseXml(body, 'CORSConfiguration'))),
  show: (text) => corsXml(JSON.parse(text!) as CorsRule[]),
};

export const getBucketCors = getConfiguration(cors);
export const putBucketCors = putConfiguration(cors);
export const deleteBucketCors = deleteConfiguration(cors);
