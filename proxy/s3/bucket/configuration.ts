/** What a bucket is configured with, each thing in the same three ways: shown, set and removed by its owner, or whom a policy lets. */
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { S3Error, type S3ErrorCode } from '../errors.ts';
import { vouchedBody } from '../object/content-md5.ts';
import { emptyAnswer, xmlAnswer, type BucketRequest, type Handler } from '../request.ts';
import { changeSettings, type BucketSetting } from './bucket.ts';

export interface Configuration {
  readonly setting: BucketSetting;
  /** The last part of its actions, e.g. `BucketCORS`: `s3:GetBucketCORS`, `s3:PutBucketCORS`. */
  readonly action: string;
  /** What is said where there is none; undefined where `show` knows what to say. */
  readonly missing?: S3ErrorCode | undefined;
  /** Checks what a PUT brings; answers the text that is kept. */
  readonly read: (body: Buffer, request: BucketRequest) => string;
  /** The document that shows the text. */
  readonly show: (text: string | undefined, request: BucketRequest) => string;
  /** Whether a PUT must say what its body is. */
  readonly vouched?: boolean | undefined;
}

export function getConfiguration({ setting, action, missing, show }: Configuration): Handler<BucketRequest> {
  return async (request): Promise<Response> => {
    authorize(request, { action: `s3:Get${action}` });
    const text = request.bucket.setting(setting);
    if (text === undefined && missing !== undefined) throw new S3Error(missing, undefined, { BucketName: request.bucket.container });
    return xmlAnswer(show(text, request));
  };
}

export function putConfiguration({ setting, action, read, vouched }: Configuration): Handler<BucketRequest> {
  return async (request): Promise<Response> => {
    authorize(request, { action: `s3:Put${action}` });
    const text = read(await vouchedBody(request, { required: vouched === true }), request);
    await changeSettings(request.store, request.bucket, { [setting]: text });
    return emptyAnswer();
  };
}

/** `deleting` is the action where it is another than that of a PUT. */
export function deleteConfiguration({ setting, action }: Configuration, deleting = `s3:Put${action}`): Handler<BucketRequest> {
  return async (request): Promise<Response> => {
    authorize(request, { action: deleting });
    await changeSettings(request.store, request.bucket, { [setting]: undefined });
    return emptyAnswer(204);
  };
}
