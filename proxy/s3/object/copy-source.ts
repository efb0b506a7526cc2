/** x-amz-copy-source: the object, and perhaps the version, that a copy is made of. */
import { percentDecode } from '#common/http';
import { findBucket } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import type { ObjectRequest } from '../request.ts';
import { parseVersionId, type VersionId } from './version-id.ts';

export interface CopySource {
  /** The request as it were for the source. */
  readonly request: ObjectRequest;
  readonly versionId: VersionId | undefined;
}

/** Reads `[/]bucket/key[?versionId=...]`, percent-encoded. A `+` is a plus. */
export async function copySource(request: ObjectRequest): Promise<CopySource> {
  const header = request.exchange.header('x-amz-copy-source') ?? '';
  const mark = header.lastIndexOf('?versionId=');
  const isOther = mark < 0 ? header.includes('?') : /[?&]/.test(header.slice(mark + 1));
  if (isOther) throw new S3Error('InvalidArgument', 'Unsupported copy source parameter.', { ArgumentName: 'x-amz-copy-source', ArgumentValue: header });
  const path = percentDecode(mark < 0 ? header : header.slice(0, mark))?.replace(/^\//, '');
  const slash = path?.indexOf('/') ?? -1;
  if (path === undefined || slash <= 0 || slash === path.length - 1 || path.includes('\0')) {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', { ArgumentName: 'x-amz-copy-source', ArgumentValue: header });
  }
  const key = path.slice(slash + 1);
  const bucket = await findBucket(request.store, path.slice(0, slash), request.caller);
  const { account, container } = bucket;
  const text = mark < 0 ? undefined : header.slice(mark + '?versionId='.length);
  return { request: { ...request, bucket, key, target: { account, container, object: key } }, versionId: text === undefined || text === '' ? undefined : parseVersionId(text) };
}
