/** Whether the caller may do it to this account. */
import { authorize, type Access } from '../authorize.ts';
import type { SwiftRequest } from '../request.ts';

export function authorizeAccount(request: SwiftRequest, access: Access): Promise<void> | undefined {
  return authorize(request, access, { account: request.account }, undefined, request.accounts);
}
