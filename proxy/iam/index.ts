/**
 * Identities as AWS's tools know them: who there is, what policies say of them, and the two services that manage them and give out sessions.
 * Where accounts come from, and whose they are, is asked through `Owners`.
 */
export { callerValues, caseless, type AccountOwner, type Caller, type CallerSession } from './caller.ts';
export { iamDialect, type IamOptions } from './dialect.ts';
export { letsIn, permits, standingOf, type Standing } from './evaluation.ts';
export { Identities, type CallerCredentials, type IdentitiesOptions, type Owners } from './identities.ts';
export { isPublicPolicy, verdictOf, verdictOfAll, type Nameable, type Question, type Verdict } from './policy/verdict.ts';
export type { Context } from './policy/conditions.ts';
export { parsePolicy, type PolicyDocument } from './policy/document.ts';
export { matchesPattern } from './policy/pattern.ts';
export { SessionTokens, type SessionClaims, type TemporaryCredentials } from './session-tokens.ts';
export { WebIdentities } from './web-identity.ts';
