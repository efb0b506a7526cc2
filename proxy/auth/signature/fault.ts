/** What is wrong with a signature, by the name that S3 has for it: the dialect gives it its shape. */
import { StoreError } from '#common';

export type SignatureFaultCode =
  | 'AccessDenied'
  | 'AuthorizationHeaderMalformed'
  | 'AuthorizationQueryParametersError'
  | 'ExpiredToken'
  | 'IncompleteBody'
  | 'InvalidAccessKeyId'
  | 'InvalidArgument'
  | 'InvalidChunkSizeError'
  | 'InvalidPolicyDocument'
  | 'InvalidRequest'
  | 'InvalidToken'
  | 'MalformedTrailerError'
  | 'MissingContentLength'
  | 'MissingSecurityHeader'
  | 'RequestTimeTooSkewed'
  | 'SignatureDoesNotMatch'
  | 'XAmzContentSHA256Mismatch';

/** `detail` is shown to the client, each as an element of that name. */
export function signatureFault(code: SignatureFaultCode, message: string, detail: Readonly<Record<string, string>> = {}): StoreError {
  return new StoreError(code === 'IncompleteBody' ? 'body-incomplete' : 'unauthenticated', message, { detail: { code, ...detail } });
}
