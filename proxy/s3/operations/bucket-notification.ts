/** GetBucketNotificationConfiguration, PutBucketNotificationConfiguration. */
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { changeSettings } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import { notificationsOfXml, notificationsXml } from '../notifications/configuration.ts';
import { rulesOf } from '../notifications/notifications.ts';
import { vouchedBody } from '../object/content-md5.ts';
import { emptyAnswer, xmlAnswer, type BucketRequest } from '../request.ts';
import { parseXml } from '../xml/parse.ts';

export async function getBucketNotification(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:GetBucketNotification' });
  return xmlAnswer(notificationsXml(rulesOf(request.bucket)));
}

export async function putBucketNotification(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:PutBucketNotification' });
  const { bucket, store, exchange, notifications } = request;
  const rules = notificationsOfXml(parseXml(await vouchedBody(request), 'NotificationConfiguration'), (arn) => notifications.destinations.has(arn));
  if (exchange.header('x-amz-skip-destination-validation')?.toLowerCase() !== 'true') {
    const message = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: new Date(store.cluster.clock.nowMs()).toISOString(), Bucket: bucket.container, RequestId: exchange.transactionId, HostId: exchange.transactionId };
    await Promise.all([...new Set(rules.map(({ arn }) => arn))].map(async (arn) => {
      try {
        await notifications.destinations.get(arn)!.send(JSON.stringify(message));
      } catch (error) {
        store.cluster.log.info({ err: error, destination: arn }, 'a destination did not take its test event');
        throw new S3Error('InvalidArgument', 'Unable to validate the following destination configurations', { ArgumentName: arn, ArgumentValue: 'The destination could not be reached' });
      }
    }));
  }
  await changeSettings(store, bucket, { notification: rules.length === 0 ? undefined : JSON.stringify(rules) });
  return emptyAnswer();
}
