/** What can go wrong in the words of AWS's identity and token services ("Common errors" of both API references). */

const STATUS = {
  AccessDenied: 403,
  ConcurrentModification: 409,
  DeleteConflict: 409,
  EntityAlreadyExists: 409,
  ExpiredToken: 403,
  ExpiredTokenException: 400,
  IDPCommunicationError: 400,
  IDPRejectedClaim: 403,
  IncompleteSignature: 400,
  InternalFailure: 500,
  InvalidAction: 400,
  InvalidAuthorizationMessage: 400,
  InvalidClientTokenId: 403,
  InvalidIdentityToken: 400,
  InvalidInput: 400,
  InvalidParameterValue: 400,
  LimitExceeded: 409,
  MalformedPolicyDocument: 400,
  MissingAuthenticationToken: 403,
  NoSuchEntity: 404,
  PackedPolicyTooLarge: 400,
  RegionDisabledException: 403,
  RequestExpired: 400,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  UnmodifiableEntity: 400,
  ValidationError: 400,
} as const;

export type IamFaultCode = keyof typeof STATUS;

export class IamFault extends Error {
  readonly code: IamFaultCode;

  constructor(code: IamFaultCode, message: string) {
    super(message);
    this.name = 'IamFault';
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

export function noSuch(what: string, name: string): IamFault {
  return new IamFault('NoSuchEntity', `The ${what} with name ${name} cannot be found.`);
}
