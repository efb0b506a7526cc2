/** GetBucketLocation: the region, which is nothing for us-east-1. */
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { xmlAnswer, type BucketRequest } from '../request.ts';
import { escapeText, xmlDocument } from '../xml/write.ts';

export async function getBucketLocation(request: BucketRequest): Promise<Response> {
  authorize(request, { action: 's3:GetBucketLocation' });
  const { region } = request.settings;
  return xmlAnswer(xmlDocument('LocationConstraint', region === 'us-east-1' ? '' : escapeText(region)));
}
