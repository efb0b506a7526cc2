/** ListBuckets: the containers of the caller's account that a bucket could be called like, in pages where they are asked for. */
import { concurrently } from '#common';
import { formatIso } from '../time.ts';
import type { Response } from '#proxy/edge';
import type { Caller } from '#proxy/iam';
import { entryName, isSubdirectory, type ListingRow } from '#storage-node/protocol';
import { authorizeInAccount } from '../access/authorize.ts';
import { ownerXml } from '../access/grants.ts';
import { findBucketOf } from '../bucket/bucket.ts';
import { isBucketName } from '../bucket/names.ts';
import { S3Error } from '../errors.ts';
import { xmlAnswer, type S3Request } from '../request.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

const MAX_BUCKETS = 10_000;
const PAGE = 1000;
const OWNERS_AT_ONCE = 32;
const PAGED = ['max-buckets', 'continuation-token', 'prefix', 'bucket-region'] as const;

export async function listBuckets(request: S3Request): Promise<Response> {
  const { caller, store, directory, query, settings } = request;
  if (caller === undefined) return xmlAnswer(xmlDocument('ListAllMyBucketsResult', ownerXml('Owner', 'anonymous', directory), '<Buckets/>'));
  const own = settings.swiftHabits && caller.trusted;
  authorizeInAccount(request, 's3:ListAllMyBuckets', 'arn:aws:s3:::*', own);
  const limit = limitOf(query.get('max-buckets'));
  const prefix = query.get('prefix') ?? '';
  const rows: ListingRow[] = [];
  let marker = decodeToken(query.get('continuation-token'));
  let more = true;
  while (more && rows.length <= limit) {
    const page = await store.accounts.list(caller.account, { limit: PAGE, marker, endMarker: '', prefix, delimiter: '', reverse: false });
    const buckets = (page?.entries ?? []).flatMap((entry) => (isSubdirectory(entry) || !isBucketName(entry.name) ? [] : [entry]));
    rows.push(...(own ? await ownedBy(request, caller, buckets) : buckets));
    const last = page?.entries.at(-1);
    if (last !== undefined) marker = entryName(last);
    more = page?.truncated === true;
  }
  const shown = rows.slice(0, limit);
  const next = rows.length > limit ? Buffer.from(shown.at(-1)!.name).toString('base64') : undefined;
  // As AWS does: those who know pages know of the region.
  const region = PAGED.some((parameter) => query.has(parameter)) ? settings.region : undefined;
  const buckets = shown.map(({ name, timestamp }) => element('Bucket', leaf('Name', name), leaf('CreationDate', formatIso(timestamp)), leaf('BucketRegion', region)));
  return xmlAnswer(
    xmlDocument('ListAllMyBucketsResult', ownerXml('Owner', caller.canonicalId, directory), element('Buckets', ...buckets), leaf('ContinuationToken', next), leaf('Prefix', query.get('prefix'))),
  );
}

/** Those that the caller made himself. */
async function ownedBy({ store }: S3Request, caller: Caller, rows: readonly ListingRow[]): Promise<ListingRow[]> {
  const owned = new Set<string>();
  await concurrently(rows, OWNERS_AT_ONCE, async ({ name }) => {
    const bucket = await findBucketOf(store, { account: caller.account, container: name }).catch((error: unknown) => {
      if (error instanceof S3Error && error.code === 'NoSuchBucket') return undefined;
      throw error;
    });
    if (bucket?.setting('owner') === caller.canonicalId) owned.add(name);
  });
  return rows.filter(({ name }) => owned.has(name));
}

function limitOf(text: string | undefined): number {
  if (text === undefined || text === '') return MAX_BUCKETS;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_BUCKETS) throw new S3Error('InvalidArgument', `Argument max-buckets must be an integer between 1 and ${MAX_BUCKETS}`, { ArgumentName: 'max-buckets', ArgumentValue: text });
  return limit;
}

function decodeToken(token: string | undefined): string {
  return token === undefined ? '' : Buffer.from(token, 'base64').toString('utf8');
}
