/** PUT with `?multipart-manifest=put`: a manifest whose segments are all there becomes a static large object. */
import { formatHttpDate } from '#common/http';
import { timestampToSecondsUp } from '#common';
import { bodyOfBuffer } from '#common/stream';
import { manifestEtag, storeManifest, type ContainerSummary, type WriteCondition } from '#proxy/core';
import type { Response } from '#proxy/edge';
import { asRefusal } from '../errors.ts';
import { checkPutHeaders, expectedEtag, putMetadata } from '../object/checks.ts';
import { created, writeObject, type Written } from '../object/write.ts';
import { explanation, HTML, page, Refusal, statusLine } from '../refusal.ts';
import { whileWorking } from '../report/keep-alive.ts';
import { reportFormat, reportText, type Failure, type ReportFormat } from '../report/report.ts';
import { isTrue, type ObjectRequest } from '../request.ts';
import { checkSegments } from './check.ts';
import { SLO_LIMITS } from './limits.ts';
import { parseManifest, type AskedSegment } from './parse.ts';

export async function putManifest(request: ObjectRequest, container: ContainerSummary): Promise<Response> {
  const { exchange, object, query } = request;
  if (exchange.contentLength === undefined && !exchange.chunked) throw new Refusal(411);
  if ((exchange.contentLength ?? 0) > SLO_LIMITS.max_manifest_size) throw new Refusal(413, `Manifest File > ${SLO_LIMITS.max_manifest_size} bytes`);
  const condition = checkPutHeaders(request);
  const body = await exchange.body(SLO_LIMITS.max_manifest_size).collect(SLO_LIMITS.max_manifest_size);
  const segments = parseManifest(body.toString('utf8'), `${request.container}/${object}`);
  const upload: ManifestUpload = { segments, metadata: putMetadata(request), expectedEtag: expectedEtag(exchange), condition };
  const format = reportFormat(exchange.header('accept')) ?? 'text/plain';
  if (!isTrue(query.get('heartbeat'))) return created(await writeManifest(request, container, upload));
  const report = (signal: AbortSignal): Promise<string> => reportOf(format, () => writeManifest(request, container, upload, signal));
  return { status: 202, headers: { 'Content-Type': format }, body: whileWorking(report, { format, atOnce: true }) };
}

export interface ManifestUpload {
  readonly segments: readonly AskedSegment[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Tag that the manifest's segments must make. */
  readonly expectedEtag?: string | undefined;
  readonly condition: WriteCondition | undefined;
}

/** Some segments cannot be used: a 400 that names them in the format that the sender reads. */
class SegmentsRefused extends Refusal {
  readonly failures: readonly Failure[];

  constructor(failures: readonly Failure[], format: ReportFormat) {
    super(400, reportText(format, {}, failures, 'upload'), { 'Content-Type': format });
    this.failures = failures;
  }
}

/** Stores a manifest after every segment was found as it says. The answer's ETag is that of what the manifest makes. */
export async function writeManifest(request: ObjectRequest, container: ContainerSummary, upload: ManifestUpload, signal?: AbortSignal): Promise<Written> {
  const { segments, metadata, condition } = upload;
  if (segments.filter((segment) => 'path' in segment).length > SLO_LIMITS.max_manifest_segments) {
    throw new Refusal(413, `Number of object-backed segments must be <= ${SLO_LIMITS.max_manifest_segments}`);
  }
  const { entries, failures } = await checkSegments(request, segments, signal);
  if (failures.length > 0) throw new SegmentsRefused(failures, reportFormat(request.exchange.header('accept')) ?? 'text/plain');
  const etag = manifestEtag(entries);
  if (upload.expectedEtag !== undefined && upload.expectedEtag !== etag) throw new Refusal(422, page(422), { 'Content-Type': HTML });
  const stored = storeManifest(request.account, entries, etag);
  const written = await writeObject(request, container, { body: bodyOfBuffer(stored.data), metadata: { ...metadata, ...stored.metadata }, condition });
  return { ...written, etag: `"${etag}"` };
}

/** The report that a heartbeat ends with: the status is long sent, so that what became of it is said here. */
async function reportOf(format: ReportFormat, write: () => Promise<Written>): Promise<string> {
  try {
    const { etag, timestamp } = await write();
    const facts = { 'Response Status': statusLine(201), 'Response Body': '', Etag: etag, 'Last Modified': formatHttpDate(timestampToSecondsUp(timestamp)) };
    return reportText(format, facts, [], 'upload');
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal === undefined) throw error;
    const facts = { 'Response Status': statusLine(refusal.status), 'Response Body': explanation(refusal.status) };
    return reportText(format, facts, refusal instanceof SegmentsRefused ? refusal.failures : [], 'upload');
  }
}
