/** GetBucketEncryption, PutBucketEncryption, DeleteBucketEncryption: how what comes without a word of it is encrypted. */
import { deleteConfiguration, getConfiguration, putConfiguration, type Configuration } from '../bucket/configuration.ts';
import { S3Error } from '../errors.ts';
import type { BucketEncryption } from '../object/encryption.ts';
import { malformed, parseXml } from '../xml/parse.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

const encryption: Configuration = {
  setting: 'encryption',
  action: 'EncryptionConfiguration',
  missing: 'ServerSideEncryptionConfigurationNotFoundError',
  read: (body) => {
    const rules = parseXml(body, 'ServerSideEncryptionConfiguration').all('Rule');
    const rule = rules[0]?.must('ApplyServerSideEncryptionByDefault');
    if (rules.length !== 1 || rule === undefined) throw malformed();
    const [algorithm, keyId] = [rule.textOf('SSEAlgorithm'), rule.textOf('KMSMasterKeyID')];
    if (algorithm !== 'AES256' && algorithm !== 'aws:kms') throw malformed();
    if (keyId !== undefined && algorithm === 'AES256') throw new S3Error('InvalidArgument', 'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms');
    return JSON.stringify({ algorithm, ...(keyId === undefined ? {} : { keyId }), bucketKey: rules[0]!.textOf('BucketKeyEnabled') === 'true' } satisfies BucketEncryption);
  },
  show: (text) => {
    const { algorithm, keyId, bucketKey = false } = JSON.parse(text!) as BucketEncryption;
    return xmlDocument('ServerSideEncryptionConfiguration', element('Rule', element('ApplyServerSideEncryptionByDefault', leaf('SSEAlgorithm', algorithm), leaf('KMSMasterKeyID', keyId)), leaf('BucketKeyEnabled', bucketKey)));
  },
};

export const getBucketEncryption = getConfiguration(encryption);
export const putBucketEncryption = putConfiguration(encryption);
export const deleteBucketEncryption = deleteConfiguration(encryption);
