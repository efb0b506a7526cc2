/**
 * AWS's identity and token services on the endpoint of S3, in AWS's query protocol: a form that names an action is posted to `/` and answered in
 * XML. Its outer shell is here: what is taken, who signed it, and how an error looks.
 */
import { isStoreError, type Log } from '#common';
import { parseQuery } from '#common/http';
import { element, leaf, XML_HEAD } from '#common/xml';
import type { Store } from '#proxy/core';
import { reply, type Exchange, type Response, type Step } from '#proxy/edge';
import type { Call } from './call.ts';
import type { Caller } from './caller.ts';
import { IamFault, type IamFaultCode } from './faults.ts';
import type { Identities } from './identities.ts';
import { IAM, STS, UNSIGNED } from './operations/index.ts';
import type { SessionTokens } from './session-tokens.ts';
import type { WebIdentities } from './web-identity.ts';

export interface IamOptions {
  readonly store: Store;
  readonly identities: Identities;
  readonly tokens: SessionTokens;
  readonly webIdentities: WebIdentities;
  /** Who signed a request with that body; undefined where nobody did. */
  readonly identify: (exchange: Exchange, body: Buffer) => Promise<Caller | undefined>;
  readonly log: Log;
}

const MAX_BODY_BYTES = 256 * 1024;

export function iamDialect(options: IamOptions): Step {
  return (ctx, next) => {
    const exchange = ctx.state.exchange as Exchange;
    return isIamRequest(exchange) ? answer(exchange, options).then((response) => reply(ctx, response)) : next();
  };
}

function isIamRequest({ method, path, rawQuery, headers }: Exchange): boolean {
  if (path !== '/') return false;
  if (method === 'POST') return rawQuery === '' && headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  return method === 'GET' && /(?:^|&)Action=[A-Za-z]+(?:&|$)/.test(rawQuery);
}

async function answer(exchange: Exchange, options: IamOptions): Promise<Response> {
  let service: keyof typeof SERVICES = 'iam';
  try {
    const body = exchange.method === 'POST' ? await exchange.body(MAX_BODY_BYTES).collect(MAX_BODY_BYTES) : Buffer.alloc(0);
    const parameters = parseQuery(exchange.method === 'POST' ? body.toString('latin1') : exchange.rawQuery);
    if (parameters === undefined) throw new IamFault('ValidationError', 'The parameters are not UTF-8.');
    const action = parameters.get('Action') ?? '';
    service = Object.hasOwn(STS, action) ? 'sts' : 'iam';
    return shown(exchange, service, action, await perform(exchange, options, { action, parameters, body }));
  } catch (error) {
    return refused(exchange, service, faultOf(error, exchange, options.log));
  }
}

async function perform(exchange: Exchange, { identities, tokens, webIdentities, identify, store }: IamOptions, { action, parameters, body }: { action: string; parameters: ReadonlyMap<string, string>; body: Buffer }): Promise<string> {
  const operation = Object.hasOwn(STS, action) ? STS[action] : Object.hasOwn(IAM, action) ? IAM[action] : undefined;
  if (operation === undefined) throw new IamFault('InvalidAction', `Could not find operation ${action}.`);
  const caller = UNSIGNED.has(action) ? NOBODY : await identify(exchange, body);
  if (caller === undefined) throw new IamFault('MissingAuthenticationToken', 'Request is missing Authentication Token');
  // As in AWS: a session of a user may do nothing here without a second factor, and there is none.
  if (caller.session !== undefined && caller.kind !== 'role' && !Object.hasOwn(STS, action)) throw new IamFault('InvalidClientTokenId', 'The security token included in the request is invalid');
  const call: Call = { action, parameters, caller, account: caller.accountId, identities, tokens, webIdentities, exchange, nowMs: store.cluster.clock.nowMs() };
  return operation(call);
}

/** Who calls where nobody signs. */
const NOBODY: Caller = {
  id: '', accessKey: '', account: '', project: '', user: '', canonicalId: '', displayName: '', email: undefined, groups: [], ownedAccounts: [], resellerAdmin: false, resellerReader: false,
  kind: 'user', arn: '', arns: new Map(), accountId: '', accountNames: [], userId: '', userName: undefined, trusted: false, managesIdentities: false, policies: [], tags: new Map(),
};

const SERVICES = { iam: 'https://iam.amazonaws.com/doc/2010-05-08/', sts: 'https://sts.amazonaws.com/doc/2011-06-15/' } as const;

function shown({ transactionId }: Exchange, service: keyof typeof SERVICES, action: string, result: string): Response {
  const body = `${XML_HEAD}<${action}Response xmlns="${SERVICES[service]}">${element(`${action}Result`, result)}${element('ResponseMetadata', leaf('RequestId', transactionId))}</${action}Response>`;
  return { status: 200, headers: { 'Content-Type': 'text/xml', 'x-amzn-RequestId': transactionId }, body };
}

function refused({ transactionId }: Exchange, service: keyof typeof SERVICES, fault: IamFault): Response {
  const body = `${XML_HEAD}<ErrorResponse xmlns="${SERVICES[service]}">${element('Error', leaf('Type', fault.status < 500 ? 'Sender' : 'Receiver'), leaf('Code', fault.code), leaf('Message', fault.message))}${leaf('RequestId', transactionId)}</ErrorResponse>`;
  return { status: fault.status, headers: { 'Content-Type': 'text/xml', 'x-amzn-RequestId': transactionId }, body };
}

/** What S3 calls it, in the words of these services. */
const OF_SIGNATURE: Readonly<Record<string, IamFaultCode>> = {
  InvalidAccessKeyId: 'InvalidClientTokenId',
  InvalidToken: 'InvalidClientTokenId',
  ExpiredToken: 'ExpiredToken',
  SignatureDoesNotMatch: 'SignatureDoesNotMatch',
  RequestTimeTooSkewed: 'SignatureDoesNotMatch',
  XAmzContentSHA256Mismatch: 'SignatureDoesNotMatch',
  AuthorizationHeaderMalformed: 'IncompleteSignature',
  AuthorizationQueryParametersError: 'IncompleteSignature',
};

function faultOf(error: unknown, { transactionId }: Exchange, log: Log): IamFault {
  if (error instanceof IamFault) return error;
  if (isStoreError(error, 'unauthenticated', 'forbidden')) return new IamFault(OF_SIGNATURE[String(error.detail['code'])] ?? 'AccessDenied', error.message);
  if (isStoreError(error, 'entity-too-large', 'bad-request', 'body-incomplete', 'request-timeout', 'client-disconnected')) return new IamFault('ValidationError', error.message);
  if (isStoreError(error, 'conflict')) return new IamFault('ConcurrentModification', error.message);
  const unavailable = isStoreError(error);
  log.error({ err: error, txn: transactionId }, unavailable ? 'the store could not do it' : 'a fault of ours');
  return unavailable ? new IamFault('ServiceUnavailable', 'The request has failed due to a temporary failure of the server.') : new IamFault('InternalFailure', 'The request processing has failed because of an unknown error.');
}
