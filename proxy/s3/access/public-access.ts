/** The public access block of a bucket: which of what makes things public is refused, and which counts for nothing. */
import type { Bucket } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import type { XmlElement } from '../xml/parse.ts';
import { leaf, xmlDocument } from '../xml/write.ts';
import { isPublicAcl, type Acl } from './acl.ts';

export interface PublicAccessBlock {
  readonly blockPublicAcls: boolean;
  readonly ignorePublicAcls: boolean;
  readonly blockPublicPolicy: boolean;
  readonly restrictPublicBuckets: boolean;
}

export function publicAccessBlockOf(bucket: Bucket): PublicAccessBlock | undefined {
  return bucket.parsed('publicAccessBlock', (text) => JSON.parse(text) as PublicAccessBlock);
}

export function publicAccessBlockOfXml(root: XmlElement): PublicAccessBlock {
  const flag = (name: string): boolean => root.textOf(name)?.toLowerCase() === 'true';
  return {
    blockPublicAcls: flag('BlockPublicAcls'),
    ignorePublicAcls: flag('IgnorePublicAcls'),
    blockPublicPolicy: flag('BlockPublicPolicy'),
    restrictPublicBuckets: flag('RestrictPublicBuckets'),
  };
}

export function publicAccessBlockXml(block: PublicAccessBlock): string {
  return xmlDocument(
    'PublicAccessBlockConfiguration',
    leaf('BlockPublicAcls', block.blockPublicAcls),
    leaf('IgnorePublicAcls', block.ignorePublicAcls),
    leaf('BlockPublicPolicy', block.blockPublicPolicy),
    leaf('RestrictPublicBuckets', block.restrictPublicBuckets),
  );
}

/** Refuses a list that would make something public where the bucket does not have it. */
export function refusePublicAcl(bucket: Bucket, acl: Acl | undefined): void {
  if (acl !== undefined && publicAccessBlockOf(bucket)?.blockPublicAcls === true && isPublicAcl(acl)) throw new S3Error('AccessDenied');
}
