/** How every upload ends, whatever its body is: the rules that may refuse it, and the write. */
import { timestampToSecondsUp, type Timestamp } from '#common';
import { formatHttpDate } from '#common/http';
import type { Body } from '#common/stream';
import { VERSIONS, type ContainerSummary, type WriteCondition } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { accountQuota } from '../quotas/account.ts';
import { containerQuota } from '../quotas/container.ts';
import { empty, type ObjectRequest } from '../request.ts';
import { ARCHIVE, archiveCurrent } from '../versions/legacy.ts';
import { versionHeaders } from '../versions/show.ts';

export interface Upload {
  readonly body: Body;
  /** Everything but the ETag. */
  readonly metadata: Readonly<Record<string, string>>;
  /** MD5 in hex that the body must have. */
  readonly expectedEtag?: string | undefined;
  /** What must hold of what is there. */
  readonly condition: WriteCondition | undefined;
}

export interface Written {
  readonly etag: string;
  readonly timestamp: Timestamp;
  /** What the answer says besides. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Refuses an upload by throwing; undefined at once where it has nothing to look at. */
export type UploadRule = (request: ObjectRequest, container: ContainerSummary, upload: Upload) => Promise<void> | undefined;

const RULES: readonly UploadRule[] = [containerQuota, accountQuota];

/** Stores an upload to the request's target, whose container the caller may write. */
export async function writeObject(request: ObjectRequest, summary: ContainerSummary, upload: Upload): Promise<Written> {
  for (const rule of RULES) {
    const looking = rule(request, summary, upload);
    if (looking !== undefined) await looking;
  }
  const { store, account, container, object } = request;
  const put = { target: { account, container, object }, ...upload };
  if (summary.metadata[VERSIONS] === 'enabled') {
    const { versionId, ...stored } = await store.versions.put(put, summary);
    return { ...stored, headers: versionHeaders(versionId) };
  }
  if (summary.metadata[ARCHIVE] !== undefined) await archiveCurrent(request, summary);
  return store.objects.put(put);
}

/** 201, with what was written. */
export function created({ etag, timestamp, headers }: Written): Response {
  return empty(201, { Etag: etag, 'Last-Modified': formatHttpDate(timestampToSecondsUp(timestamp)), ...headers });
}
