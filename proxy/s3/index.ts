/**
 * The S3 dialect: a codec between AWS's API ("Amazon S3 API Reference") and core. Its outer shell is here: it takes the requests that speak
 * S3, learns who signed them, lets the routes answer, and owns how an error looks.
 */
import type { Log } from '#common';
import type { Store } from '#proxy/core';
import { reply, type Exchange, type Response, type Step } from '#proxy/edge';
import { addressOf, isS3Request } from './addressing.ts';
import { asS3Error, S3Error } from './errors.ts';
import { decodeQuery, type Identified, type S3Auth, type S3Request, type S3Settings } from './request.ts';
import type { Notifications } from './notifications/notifications.ts';
import { route } from './routes.ts';
import { websiteBucket } from './website/host.ts';
import { answerWebsite } from './website/serve.ts';
import { leaf, plainDocument } from './xml/write.ts';

export { describeS3 } from './info.ts';
export { lifecycleWorker } from './lifecycle/worker.ts';
export { Notifications } from './notifications/notifications.ts';
export type { S3Auth } from './request.ts';

export interface S3Options {
  readonly store: Store;
  readonly auth: S3Auth;
  readonly settings: S3Settings;
  readonly notifications: Notifications;
  readonly log: Log;
}

/** Answers what speaks S3; everything else goes on to the next dialect. */
export function s3Dialect(options: S3Options): Step {
  const { settings, log } = options;
  const serve = async (ctx: Parameters<Step>[0], exchange: Exchange, answering: Promise<Response>): Promise<void> => {
    await reply(ctx, await answering).catch((error: unknown) => {
      log.warn({ err: error, txn: exchange.transactionId }, 'an answer broke off');
    });
  };
  return (ctx, next) => {
    const exchange = ctx.state.exchange as Exchange;
    const site = websiteBucket(exchange, settings.website);
    if (site !== undefined) return serve(ctx, exchange, shapedAnswer(exchange, options, () => answerWebsite(visitOf(exchange, options), site)));
    return isS3Request(exchange, settings.domains) ? serve(ctx, exchange, answer(exchange, options)) : next();
  };
}

async function answer(exchange: Exchange, options: S3Options): Promise<Response> {
  const shaped = (work: () => Promise<Response>): Promise<Response> => shapedAnswer(exchange, options, work);
  const response = await shaped(async () => route(await requestOf(exchange, options), shaped));
  return signedBy(exchange, options.settings.swiftHabits ? typed(response) : response);
}

/** The answer of some work, also where it is refused or fails. */
async function shapedAnswer(exchange: Exchange, { log, settings }: S3Options, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    const fault = asS3Error(error);
    if (fault === undefined || (fault.status >= 500 && fault.status !== 501)) log.error({ err: error, txn: exchange.transactionId }, fault === undefined ? 'a fault of ours' : 'the store could not do it');
    return errorAnswer(exchange, fault ?? new S3Error('InternalError'), settings.swiftHabits);
  }
}

/** The request of somebody who looks at a website: nobody's, whatever it says. */
function visitOf(exchange: Exchange, { store, auth, settings, notifications }: S3Options): S3Request {
  return { exchange, store, settings, directory: auth.directory, auth, notifications, identified: NOBODY, caller: undefined, query: new Map(), bucketName: undefined, key: undefined, trailers: new Map() };
}

const NOBODY: Identified = { holder: undefined, presigned: false, service: 's3', body: (raw) => raw, decodedBytes: 0, trailers: [] };

/** The request as its line, headers and signature say it. */
async function requestOf(exchange: Exchange, { store, auth, settings, notifications }: S3Options): Promise<S3Request> {
  const { bucket, key, virtual } = addressOf(exchange, settings.domains);
  // What a browser asks before it sends a signed request is signed by nobody, though its address may look so.
  const identified = exchange.method === 'OPTIONS' ? NOBODY : await auth.identify(exchange, virtual ? bucket : undefined);
  const query = decodeQuery(exchange.rawQuery);
  return { exchange, store, settings, directory: auth.directory, auth, notifications, identified, caller: identified.holder, query, bucketName: bucket, key, trailers: new Map() };
}

/** Where it came about is not told by Swift's s3api (`terse`). */
function errorAnswer(exchange: Exchange, { code, status, message, detail, headers }: S3Error, terse: boolean): Response {
  const id = exchange.transactionId;
  const body = plainDocument('Error', leaf('Code', code), leaf('Message', message), ...Object.entries(detail).map(([name, text]) => leaf(name, text)), terse ? '' : leaf('Resource', exchange.path), leaf('RequestId', id), leaf('HostId', id));
  return { status, headers: { 'Content-Type': 'application/xml', ...headers }, body };
}

/** Swift's answers have a type, also where there is nothing of it. */
function typed(response: Response): Response {
  return response.body !== undefined || response.status === 304 ? response : { ...response, headers: { 'Content-Type': 'text/html; charset=UTF-8', ...response.headers } };
}

/** Every answer says who made it, and by which name it can be found in the log. */
function signedBy({ transactionId }: Exchange, response: Response): Response {
  return { ...response, headers: { ...response.headers, 'x-amz-request-id': transactionId, 'x-amz-id-2': transactionId, Server: 'Gori' } };
}
