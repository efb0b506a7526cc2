/** What conditions of a policy can ask of a request, each found out when it is asked. */
import type { ObjectInfo } from '#storage-node/protocol';
import { tagsOf } from '../object/metadata.ts';
import { parseTagQuery } from '../object/tags.ts';
import type { BucketRequest, S3Request } from '../request.ts';
import { callerValues, caseless, type Context } from '#proxy/iam';

/** What an operation knows of its request beyond its head. */
export interface ContextExtras {
  readonly requestTags?: ReadonlyMap<string, string> | undefined;
  readonly values?: Readonly<Record<string, string>> | undefined;
}

const PARAMETERS: ReadonlySet<string> = new Set(['s3:prefix', 's3:delimiter', 's3:max-keys', 's3:versionid']);

export function contextOf(request: S3Request, { object, extras }: { object?: Pick<ObjectInfo, 'metadata'> | undefined; extras?: ContextExtras | undefined }): Context {
  return (key) => {
    const given = extras?.values?.[key];
    if (given !== undefined) return [given];
    if (BUCKET_TAG.test(key)) return one(caseless(bucketTags(request), key.slice(key.indexOf('/') + 1)));
    if (key.startsWith('aws:')) return one(ofRequest(request, key)) ?? callerValues(request.caller, key);
    if (key.startsWith('s3:existingobjecttag/')) return object === undefined ? undefined : one(caseless(tagsOf(object.metadata), key.slice('s3:existingobjecttag/'.length)));
    if (key.startsWith('s3:requestobjecttag')) return ofRequestTags(request, key, extras);
    if (PARAMETERS.has(key)) return one(request.query.get(key === 's3:versionid' ? 'versionId' : key.slice(3)));
    if (key.startsWith('s3:x-amz-')) return one(request.exchange.header(key.slice(3)));
    if (key === 's3:authtype') return one(request.identified.presigned ? 'REST-QUERY-STRING' : request.caller === undefined ? undefined : 'REST-HEADER');
    return callerValues(request.caller, key);
  };
}

/** Tags of the bucket: AWS's names for them, and Ceph's. */
const BUCKET_TAG = /^(?:aws:resourcetag|s3:resourcetag|s3:buckettag)\//;

function bucketTags({ bucket }: S3Request & Partial<Pick<BucketRequest, 'bucket'>>): ReadonlyMap<string, string> | undefined {
  return bucket?.parsed('tagging', (text) => new Map(parseTagQuery(text)));
}

function one(value: string | undefined): string[] | undefined {
  return value === undefined ? undefined : [value];
}

function ofRequest({ exchange, store }: S3Request, key: string): string | undefined {
  switch (key) {
    case 'aws:sourceip':
      return exchange.remoteAddress;
    case 'aws:referer':
      return exchange.header('referer');
    case 'aws:useragent':
      return exchange.header('user-agent');
    case 'aws:securetransport':
      return String(exchange.scheme === 'https');
    case 'aws:currenttime':
      return new Date(store.cluster.clock.nowMs()).toISOString();
    case 'aws:epochtime':
      return String(Math.floor(store.cluster.clock.nowMs() / 1000));
    default:
      return undefined;
  }
}

function ofRequestTags({ exchange }: S3Request, key: string, extras: ContextExtras | undefined): string[] | undefined {
  const header = exchange.header('x-amz-tagging');
  const tags = extras?.requestTags ?? (header === undefined ? undefined : parseTagQuery(header));
  if (tags === undefined) return undefined;
  if (key === 's3:requestobjecttagkeys') return [...tags.keys()];
  return one(caseless(tags, key.slice('s3:requestobjecttag/'.length)));
}
