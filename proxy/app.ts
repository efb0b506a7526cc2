/** The whole pipeline on one screen: what a request passes, in order. */
import type { RequestListener } from 'node:http';
import Koa from 'koa';
import compose from 'koa-compose';
import type { Clock, Config, DaemonStatus, Log } from '#common';
import { admin, type Operations } from '#proxy/admin';
import { iamDialect, Identities, SessionTokens, WebIdentities } from '#proxy/iam';
import { answerAuth, KeyHolders, Signatures, type Tempauth } from '#proxy/auth';
import { collectReceipts, type Store } from '#proxy/core';
import { accessLog, exchange, health, reply, type Exchange, type Step } from '#proxy/edge';
import { describeS3, s3Dialect, type Notifications, type S3Auth } from '#proxy/s3';
import { cnameLookup, domainRemap, swiftDialect, systemCnameResolver, type SwiftAuth } from '#proxy/swift';

/** What a socket says whose other end was closed. */
const CLIENT_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

export interface AppOptions {
  readonly store: Store;
  readonly notifications: Notifications;
  readonly tempauth: Tempauth;
  readonly config: Pick<Config, 'auth' | 'swift' | 's3'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** The cluster's; operators show it. */
  readonly secret: string;
  readonly operations: Operations;
  readonly isStopping: () => boolean;
  /** What acts on names beside clients; operators are shown it. */
  readonly janitors: readonly DaemonStatus[];
}

export function createApp(options: AppOptions): Koa {
  const { store, notifications, tempauth, config, clock, log, version, secret, operations, isStopping, janitors } = options;
  const app = new Koa();
  app.use(exchange(() => clock.nowMs()));
  app.use(accessLog(log));
  app.use(health(isStopping));
  app.use(receipts);
  if (config.swift.cnameLookup.storageDomains.length > 0) app.use(cnameLookup(config.swift.cnameLookup, systemCnameResolver(config.swift.cnameLookup.nameservers), clock));
  if (config.swift.domainRemap.storageDomains.length > 0) app.use(domainRemap(config.swift.domainRemap));
  app.use(admin({ store, secret, janitors, ...operations }));
  app.use(authV1(tempauth, clock, config.auth.tempauth.storageUrlScheme));
  if (config.s3.enabled) for (const step of awsSteps({ store, notifications, config, clock, log, secret })) app.use(step);
  app.use(swiftDialect({ store, auth: swiftAuth(tempauth, clock), settings: config.swift, version, otherSections: config.s3.enabled ? describeS3() : {}, log }));
  app.on('error', (error: NodeJS.ErrnoException) => {
    if (CLIENT_GONE.has(error.code ?? '')) log.info({ err: error }, 'a client went away before its answer');
    else log.error({ err: error }, 'a fault of ours');
  });
  return app;
}

/**
 * Runs a request through the pipeline. As koa's own `callback` does it, but for what that does to answer by itself and to hear how its answer
 * ended: every answer here is sent by `reply`, which looks after its end.
 */
export function handlerOf(app: Koa): RequestListener {
  const pipeline = compose(app.middleware);
  return (request, response) => {
    const ctx = app.createContext(request, response);
    pipeline(ctx).catch((error: unknown) => ctx.onerror(error as Error));
  };
}

/** Clients of either dialect that say `X-Gori-Receipt: true` hear where what they wrote was made durable. */
const receipts: Step = (ctx, next) => {
  const exchange = ctx.state.exchange as Exchange;
  if (exchange.header('x-gori-receipt')?.toLowerCase() !== 'true') return next();
  return collectReceipts((receipts) => {
    exchange.lateHeaders = () => (receipts.writes.length === 0 ? {} : { 'X-Gori-Receipt': JSON.stringify(receipts).replace(/[^ -~]/g, escaped) });
    return next();
  });
};

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function authV1(tempauth: Tempauth, clock: Clock, urlScheme: 'default' | 'http' | 'https'): Step {
  return (ctx, next) => {
    const answer = answerAuth(ctx.state.exchange as Exchange, tempauth, clock.nowMs(), urlScheme);
    return answer === undefined ? next() : reply(ctx, answer);
  };
}

/** What speaks as AWS's services do, over one set of identities: those of the configuration, and what is made through the API. */
function awsSteps({ store, notifications, config: { auth: { tempauth }, s3 }, clock, log, secret }: Pick<AppOptions, 'store' | 'notifications' | 'config' | 'clock' | 'log' | 'secret'>): Step[] {
  const nowMs = (): number => clock.nowMs();
  const directory = new KeyHolders({ users: tempauth.users, s3Users: s3.users, resellerPrefix: tempauth.resellerPrefix });
  const tokens = new SessionTokens(secret);
  const identities = new Identities({ store, owners: directory, tokens });
  const signatures = new Signatures({ keys: (accessKey, token) => identities.credentials(accessKey, token), region: s3.region, nowMs });
  const auth: S3Auth = { directory, identify: (exchange, bucket) => signatures.identify(exchange, bucket), identifyForm: (fields) => signatures.identifyForm(fields) };
  const webIdentities = new WebIdentities({ plainIssuers: s3.iam.plainIssuers, nowMs });
  const iam = iamDialect({ store, identities, tokens, webIdentities, identify: (exchange, body) => signatures.identifyForService(exchange, body), log });
  return [...(s3.iam.enabled ? [iam] : []), s3Dialect({ store, auth, notifications, settings: s3, log })];
}

function swiftAuth(tempauth: Tempauth, clock: Clock): SwiftAuth {
  return {
    knowsAccount: (account) => tempauth.knowsAccount(account),
    identify: (request) => {
      const token = request.header('x-auth-token') ?? request.header('x-storage-token');
      if (token === undefined || !tempauth.knowsToken(token)) return Promise.resolve(undefined);
      const user = tempauth.verify(token, clock.nowMs());
      const serviceToken = user === undefined ? undefined : request.header('x-service-token');
      const service = serviceToken === undefined ? undefined : tempauth.verify(serviceToken, clock.nowMs());
      return Promise.resolve(user === undefined ? 'invalid' : service === undefined ? user : tempauth.together(user, service));
    },
  };
}
