/** When a lifecycle rule will end an object, as answers say it. */
import type { ObjectInfo } from '#storage-node/protocol';
import type { ObjectRequest } from '../request.ts';

export function expirationHeader(_request: ObjectRequest, _info: Pick<ObjectInfo, 'metadata' | 'timestamp' | 'sizeBytes'>): Record<string, string> {
  return {};
}
