/** Where events go: destinations that the operator has configured. Buckets name them by their ARN; no client can make us call an address of his choice. */
import { createHmac } from 'node:crypto';
import { Redis } from 'ioredis';
import type { S3Settings } from '../request.ts';

export interface Destination {
  readonly arn: string;
  /** Resolves when it has the message. */
  send(message: string): Promise<void>;
  close(): void;
}

type Settings = S3Settings['notifications'];

export function openDestinations({ webhooks, redis }: Settings, region: string): ReadonlyMap<string, Destination> {
  const all = [...webhooks.map((each) => webhook(each, region)), ...redis.map((each) => redisDestination(each, region))];
  return new Map(all.map((destination) => [destination.arn, destination]));
}

/** POSTs a message as JSON; any 2xx takes it. With a secret, `X-Gori-Signature` is its HMAC-SHA256. */
function webhook({ name, url, secret, timeoutSeconds }: Settings['webhooks'][number], region: string): Destination {
  return {
    arn: `arn:gori:sqs:${region}:${name}:webhook`,
    send: async (message) => {
      const signature = secret === undefined ? {} : { 'X-Gori-Signature': `sha256=${createHmac('sha256', secret).update(message).digest('hex')}` };
      const answer = await fetch(url, { method: 'POST', body: message, redirect: 'error', headers: { 'Content-Type': 'application/json', ...signature }, signal: AbortSignal.timeout(timeoutSeconds * 1000) });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`the webhook answered ${answer.status}`);
    },
    close: () => {},
  };
}

/** Puts a message at the end of a list (RPUSH), into a stream (XADD, in the field `event`), or says it to whoever listens (PUBLISH). */
function redisDestination({ name, url, key, as }: Settings['redis'][number], region: string): Destination {
  let client: Redis | undefined;
  // Without a queue: what a server that is away did not take is sent again later, and known not to have been taken.
  const open = (): Redis => (client ??= new Redis(url, { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 5000, connectTimeout: 5000 }).on('error', () => undefined));
  return {
    arn: `arn:gori:sqs:${region}:${name}:redis`,
    send: async (message) => {
      const redis = open();
      if (redis.status === 'wait' || redis.status === 'end') await redis.connect();
      if (as === 'list') await redis.rpush(key, message);
      else if (as === 'stream') await redis.xadd(key, '*', 'event', message);
      else await redis.publish(key, message);
    },
    close: () => client?.disconnect(),
  };
}
