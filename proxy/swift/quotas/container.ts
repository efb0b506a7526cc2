/** How much a container may hold, as its owner says: X-Container-Meta-Quota-Bytes and -Quota-Count. Uploads that begin at once may all pass. */
import type { IncomingHttpHeaders } from 'node:http';
import { USER_PREFIX } from '#proxy/core';
import type { UploadRule } from '../object/write.ts';
import { Refusal } from '../refusal.ts';
import { versionBytes } from '../versions/container.ts';

const BYTES = `${USER_PREFIX}quota-bytes`;
const COUNT = `${USER_PREFIX}quota-count`;

/** Refuses a quota that is no number. */
export function checkQuotaHeaders(headers: IncomingHttpHeaders): void {
  for (const kind of ['bytes', 'count']) {
    const value = headers[`x-container-meta-quota-${kind}`];
    if (typeof value === 'string' && value !== '' && !isDigits(value)) throw new Refusal(400, `Invalid ${kind} quota.`);
  }
}

/** Refuses an upload after which the container would hold more than it may; its versions count, what it overwrites does too. */
export const containerQuota: UploadRule = (request, { metadata }, { body }) => {
  const [bytes, count] = [quotaOf(metadata[BYTES]), quotaOf(metadata[COUNT])];
  if (bytes === undefined && count === undefined) return undefined;
  return (async () => {
    const { totals } = await request.store.containers.info(request);
    const used = totals.bytes + (bytes === undefined ? 0 : await versionBytes(request, metadata));
    if (used + (body.sizeBytes ?? 0) > (bytes ?? Infinity) || totals.rows + 1 > (count ?? Infinity)) throw new Refusal(413, 'Upload exceeds quota.');
  })();
};

/** The number that a quota's text is; undefined where there is none. */
export function quotaOf(text: string | undefined): number | undefined {
  return text !== undefined && isDigits(text) ? Number(text) : undefined;
}

export function isDigits(text: string): boolean {
  return /^\d+$/.test(text);
}
