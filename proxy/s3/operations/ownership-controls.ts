/** GetBucketOwnershipControls, PutBucketOwnershipControls, DeleteBucketOwnershipControls. */
import { isPrivate } from '../access/acl.ts';
import { bucketAcl } from '../access/authorize.ts';
import { deleteConfiguration, getConfiguration, putConfiguration, type Configuration } from '../bucket/configuration.ts';
import { S3Error } from '../errors.ts';
import { malformed, parseXml } from '../xml/parse.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

const OWNERSHIPS: ReadonlySet<string> = new Set(['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter']);

const controls: Configuration = {
  setting: 'ownership',
  action: 'BucketOwnershipControls',
  missing: 'OwnershipControlsNotFoundError',
  read: (body, { bucket }) => {
    const rules = parseXml(body, 'OwnershipControls').all('Rule');
    const ownership = rules[0]?.textOf('ObjectOwnership');
    if (rules.length !== 1 || ownership === undefined || !OWNERSHIPS.has(ownership)) throw malformed();
    if (ownership === 'BucketOwnerEnforced' && !isPrivate(bucketAcl(bucket))) throw new S3Error('InvalidBucketAclWithObjectOwnership');
    return ownership;
  },
  show: (text) => xmlDocument('OwnershipControls', element('Rule', leaf('ObjectOwnership', text))),
};

export const getBucketOwnershipControls = getConfiguration(controls);
export const putBucketOwnershipControls = putConfiguration(controls);
export const deleteBucketOwnershipControls = deleteConfiguration(controls);
