/** What can go wrong in S3's words ("Error responses" of the API reference), and which of them each of core's faults is. */
import { isStoreError, type StoreError, type StoreErrorCode } from '#common';

/** Status and default message of each error code. */
const ERRORS = {
  AccessControlListNotSupported: [400, 'The bucket does not allow ACLs'],
  AccessDenied: [403, 'Access Denied'],
  AccessForbidden: [403, 'CORSResponse: This CORS request is not allowed.'],
  AuthorizationHeaderMalformed: [400, 'The authorization header that you provided is not valid.'],
  AuthorizationQueryParametersError: [400, 'The authorization query parameters that you provided are not valid.'],
  BadDigest: [400, 'The Content-MD5 or checksum value that you specified did not match what the server received.'],
  BucketAlreadyExists: [409, 'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Select a different name and try again.'],
  BucketAlreadyOwnedByYou: [409, 'The bucket that you tried to create already exists, and you own it.'],
  BucketNotEmpty: [409, 'The bucket that you tried to delete is not empty.'],
  ConditionalRequestConflict: [409, 'The conditional request cannot succeed due to a conflicting operation against this resource.'],
  EntityTooLarge: [400, 'Your proposed upload exceeds the maximum allowed object size.'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed object size.'],
  ExpiredToken: [400, 'The provided token has expired.'],
  IllegalLocationConstraintException: [400, 'The specified location-constraint is not valid'],
  IllegalVersioningConfigurationException: [400, 'The versioning configuration specified in the request is invalid.'],
  IncompleteBody: [400, 'You did not provide the number of bytes specified by the Content-Length HTTP header.'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  InvalidAccessKeyId: [403, 'The AWS Access Key Id you provided does not exist in our records.'],
  InvalidArgument: [400, 'Invalid Argument'],
  InvalidBucketAclWithObjectOwnership: [400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidBucketState: [409, 'The request is not valid for the current state of the bucket.'],
  InvalidChunkSizeError: [403, 'Only the last chunk is allowed to have a size less than 8192 bytes'],
  InvalidDigest: [400, 'The Content-MD5 you specified was invalid.'],
  InvalidEncryptionAlgorithmError: [400, 'The encryption request that you specified is not valid. The valid value is AES256.'],
  InvalidLocationConstraint: [400, 'The specified location-constraint is not valid'],
  InvalidObjectState: [403, 'The operation is not valid for the current state of the object.'],
  InvalidPart: [400, 'One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part\'s entity tag.'],
  InvalidPartNumber: [416, 'The requested partnumber is not satisfiable'],
  InvalidPartOrder: [400, 'The list of parts was not in ascending order. The parts list must be specified in order by part number.'],
  InvalidPolicyDocument: [400, 'The content of the form does not meet the conditions specified in the policy document.'],
  InvalidRange: [416, 'The requested range is not satisfiable'],
  InvalidRequest: [400, 'Invalid Request'],
  InvalidRetentionPeriod: [400, 'Invalid retention period'],
  InvalidSecurity: [403, 'The provided security credentials are not valid.'],
  InvalidStorageClass: [400, 'The storage class that you specified is not valid.'],
  InvalidTag: [400, 'Your request contains tag input that is not valid.'],
  InvalidTargetBucketForLogging: [400, 'The target bucket for logging does not exist, or is not owned by you.'],
  InvalidToken: [400, 'The provided token is malformed or otherwise not valid.'],
  InvalidURI: [400, "The specified URI couldn't be parsed."],
  'KMS.NotFoundException': [400, 'The key does not exist'],
  KeyTooLongError: [400, 'Your key is too long.'],
  MalformedACLError: [400, 'The XML that you provided was not well formed or did not validate against our published schema.'],
  MalformedPolicy: [400, 'The policy is not well formed.'],
  MalformedPOSTRequest: [400, 'The body of your POST request is not well-formed multipart/form-data.'],
  MalformedTrailerError: [400, 'The request contained trailing data that was not well-formed or did not conform to our published schema.'],
  MalformedXML: [400, 'The XML you provided was not well-formed or did not validate against our published schema'],
  UserKeyMustBeSpecified: [400, 'The bucket POST must contain the specified field name. If it is specified, check the order of the fields.'],
  MaxMessageLengthExceeded: [400, 'Your request was too large.'],
  MetadataTooLarge: [400, 'Your metadata headers exceed the maximum allowed metadata size.'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  MissingContentLength: [411, 'You must provide the Content-Length HTTP header.'],
  MissingSecurityHeader: [400, 'Your request is missing a required header.'],
  NoSuchBucket: [404, 'The specified bucket does not exist.'],
  NoSuchBucketPolicy: [404, 'The bucket policy does not exist'],
  NoSuchCORSConfiguration: [404, 'The CORS configuration does not exist'],
  NoSuchConfiguration: [404, 'The specified configuration does not exist.'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchLifecycleConfiguration: [404, 'The lifecycle configuration does not exist'],
  NoSuchObjectLockConfiguration: [404, 'The specified object does not have an ObjectLock configuration'],
  NoSuchPublicAccessBlockConfiguration: [404, 'The public access block configuration was not found'],
  NoSuchTagSet: [404, 'The TagSet does not exist'],
  NoSuchUpload: [404, 'The specified multipart upload does not exist. The upload ID might not be valid, or the multipart upload might have been aborted or completed.'],
  NoSuchVersion: [404, 'The version ID specified in the request does not match an existing version.'],
  NoSuchWebsiteConfiguration: [404, 'The specified bucket does not have a website configuration'],
  NotImplemented: [501, 'A header or query that you provided implies functionality that is not implemented.'],
  ObjectLockConfigurationNotFoundError: [404, 'Object Lock configuration does not exist for this bucket'],
  OperationAborted: [409, 'A conflicting conditional operation is currently in progress against this resource. Try again.'],
  OwnershipControlsNotFoundError: [404, 'The bucket ownership controls were not found'],
  PreconditionFailed: [412, 'At least one of the preconditions that you specified did not hold.'],
  QuotaExceeded: [403, 'The quota of the account or the bucket does not allow it.'],
  ReplicationConfigurationNotFoundError: [404, 'The replication configuration was not found'],
  RequestTimeTooSkewed: [403, 'The difference between the request time and the current time is too large.'],
  RequestTimeout: [400, 'Your socket connection to the server was not read from or written to within the timeout period.'],
  ServerSideEncryptionConfigurationNotFoundError: [404, 'The server side encryption configuration was not found'],
  ServiceUnavailable: [503, 'Service is unable to handle request.'],
  SignatureDoesNotMatch: [403, 'The request signature we calculated does not match the signature you provided. Check your key and signing method.'],
  SlowDown: [503, 'Please reduce your request rate.'],
  UnresolvableGrantByEmailAddress: [400, 'The email address you provided does not match any account on record.'],
  XAmzContentSHA256Mismatch: [400, "The provided 'x-amz-content-sha256' header does not match what was computed."],
} as const satisfies Readonly<Record<string, readonly [status: number, message: string]>>;

export type S3ErrorCode = keyof typeof ERRORS;

/** A refusal in the dialect's own words. `detail` becomes elements of the answer. */
export class S3Error extends Error {
  readonly code: S3ErrorCode;
  readonly status: number;
  readonly detail: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | number>>;

  constructor(code: S3ErrorCode, message?: string, detail: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string | number>> = {}) {
    super(message ?? ERRORS[code][1]);
    this.name = 'S3Error';
    this.code = code;
    this.status = ERRORS[code][0];
    this.detail = detail;
    this.headers = headers;
  }
}

/** The compiler sees to it that none of core's faults is missing. */
const OF_STORE = {
  'bad-request': 'InvalidRequest',
  unauthenticated: 'AccessDenied',
  forbidden: 'AccessDenied',
  'method-not-allowed': 'MethodNotAllowed',
  'not-implemented': 'NotImplemented',
  'not-acceptable': 'InvalidRequest',
  'name-too-long': 'KeyTooLongError',
  'metadata-invalid': 'InvalidArgument',
  'length-required': 'MissingContentLength',
  'entity-too-large': 'EntityTooLarge',
  'checksum-mismatch': 'BadDigest',
  'body-incomplete': 'IncompleteBody',
  'precondition-failed': 'PreconditionFailed',
  'not-modified': 'PreconditionFailed',
  'range-not-satisfiable': 'InvalidRange',
  'request-timeout': 'RequestTimeout',
  'client-disconnected': 'RequestTimeout',
  'rate-limited': 'SlowDown',
  'account-not-found': 'NoSuchBucket',
  'account-deleted': 'NoSuchBucket',
  'container-not-found': 'NoSuchBucket',
  'container-not-empty': 'BucketNotEmpty',
  'container-exists': 'BucketAlreadyOwnedByYou',
  'object-not-found': 'NoSuchKey',
  'policy-unknown': 'InvalidStorageClass',
  'policy-conflict': 'InvalidBucketState',
  conflict: 'OperationAborted',
  'quota-exceeded': 'QuotaExceeded',
  superseded: 'OperationAborted',
  'clock-skew': 'ServiceUnavailable',
  unavailable: 'ServiceUnavailable',
  'device-unavailable': 'ServiceUnavailable',
  'device-full': 'ServiceUnavailable',
  'device-locked': 'ServiceUnavailable',
  corrupt: 'InternalError',
  internal: 'InternalError',
} as const satisfies Record<StoreErrorCode, S3ErrorCode>;

/** Codes whose message is made for clients. */
const OWN_WORDS: ReadonlySet<S3ErrorCode> = new Set(['InvalidRequest', 'InvalidArgument']);

/** The error that says a fault of core or of auth; undefined for what is no fault of the world. */
export function asS3Error(error: unknown): S3Error | undefined {
  if (error instanceof S3Error) return error;
  if (!isStoreError(error)) return undefined;
  return ofDetail(error) ?? ofMd5(error) ?? new S3Error(OF_STORE[error.code], OWN_WORDS.has(OF_STORE[error.code]) ? error.message : undefined);
}

/** The MD5 that a client promised is not the data's: both are shown, as AWS does, one in hex and one in base64. */
function ofMd5({ code, detail }: StoreError): S3Error | undefined {
  const { expected, found } = detail;
  if (code !== 'checksum-mismatch' || typeof expected !== 'string' || typeof found !== 'string') return undefined;
  return badMd5(expected, found);
}

export function badMd5(expectedDigest: string, foundHex: string): S3Error {
  return new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.', { ExpectedDigest: expectedDigest, CalculatedDigest: Buffer.from(foundHex, 'hex').toString('base64') });
}

/** Auth names the code itself. */
function ofDetail(error: StoreError): S3Error | undefined {
  const { code, ...detail } = error.detail;
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code)) return undefined;
  return new S3Error(code as S3ErrorCode, error.message, Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, String(value)])));
}
