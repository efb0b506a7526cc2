/** An event as its receivers read it ("Event message structure", version 2.1). */
import { formatTimestamp, timestampToMs, type Timestamp } from '#common';
import type { Cause } from './cause.ts';

export interface Told {
  /** `s3:ObjectCreated:Put`. */
  readonly event: string;
  readonly at: Timestamp;
  readonly region: string;
  readonly bucket: string;
  readonly ownerId: string;
  readonly key: string;
  /** Of what is there now. */
  readonly object?: { readonly size: number; readonly etag: string } | undefined;
  readonly versionId?: string | undefined;
  readonly ruleId: string;
  readonly cause: Cause | undefined;
}

export function recordOf({ event, at, region, bucket, ownerId, key, object, versionId, ruleId, cause }: Told): object {
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: region,
    eventTime: new Date(timestampToMs(at)).toISOString(),
    eventName: event.slice('s3:'.length),
    userIdentity: { principalId: cause?.principalId ?? ownerId },
    requestParameters: { sourceIPAddress: cause?.sourceIp ?? '' },
    responseElements: { 'x-amz-request-id': cause?.requestId ?? '', 'x-amz-id-2': cause?.requestId ?? '' },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: ruleId,
      bucket: { name: bucket, ownerIdentity: { principalId: ownerId }, arn: `arn:aws:s3:::${bucket}` },
      object: {
        key: encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+'),
        ...(object && { size: object.size, eTag: object.etag }),
        ...(versionId === undefined ? {} : { versionId }),
        // In the order of what happened to the key: all of one length, compared as text.
        sequencer: formatTimestamp(at).replace('.', '').padStart(18, '0'),
      },
    },
  };
}
