/** GetPublicAccessBlock, PutPublicAccessBlock, DeletePublicAccessBlock. */
import { publicAccessBlockOfXml, publicAccessBlockXml, type PublicAccessBlock } from '../access/public-access.ts';
import { deleteConfiguration, getConfiguration, putConfiguration, type Configuration } from '../bucket/configuration.ts';
import { parseXml } from '../xml/parse.ts';

const block: Configuration = {
  setting: 'publicAccessBlock',
  action: 'BucketPublicAccessBlock',
  missing: 'NoSuchPublicAccessBlockConfiguration',
  read: (body) => JSON.stringify(publicAccessBlockOfXml(parseXml(body, 'PublicAccessBlockConfiguration'))),
  show: (text) => publicAccessBlockXml(JSON.parse(text!) as PublicAccessBlock),
};

export const getPublicAccessBlock = getConfiguration(block);
export const putPublicAccessBlock = putConfiguration(block);
export const deletePublicAccessBlock = deleteConfiguration(block);
