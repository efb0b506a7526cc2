/** Who calls: identity services that turn credentials into a Principal. */
export { answerAuth } from './auth-v1.ts';
export { Tempauth, type ServicePrefix, type TempauthOptions, type TempauthUser } from './tempauth.ts';
export { KeyHolders, type ConfiguredHolder, type S3User } from './signature/key-holders.ts';
export { Signatures, type KeySource, type Signed } from './signature/signatures.ts';
