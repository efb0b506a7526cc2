/**
 * Tells destinations what happens to the objects of buckets, whichever dialect it came by. An event is noted on a majority before whoever
 * caused it has his answer, and kept until its destination has taken it: told at once by the process that noted it, and by the worker of any
 * of them where that did not succeed. So it is told at least once; now and then twice, and not always in order.
 */
import { concurrently, isStoreError, formatTimestamp, timestampFromMs, type Clock, type Daemon, type Log, type Timestamp } from '#common';
import { linkOf, versionOf, versionOfLink, VERSIONS, type AgendaItem, type Happening, type ObjectName, type Store } from '#proxy/core';
import { changedAt } from '#storage-node/protocol';
import { BUCKET_METADATA, Bucket } from '../bucket/bucket.ts';
import { shownBytes, shownEtag } from '../object/conditions.ts';
import { formatVersionId, type VersionId } from '../object/version-id.ts';
import type { Seen } from '../object/look.ts';
import type { ObjectRequest, S3Settings } from '../request.ts';
import { causeNow } from './cause.ts';
import { rulesFor, type NotificationRule } from './configuration.ts';
import { openDestinations, type Destination } from './destinations.ts';
import { recordOf, type Told } from './record.ts';

export interface NotificationsOptions {
  readonly store: Pick<Store, 'telling' | 'encryption' | 'witnesses' | 'cluster'>;
  readonly settings: Pick<S3Settings, 'notifications' | 'region'>;
}

/** Events that are told at once, in this process; those beyond wait for the worker. */
const MAX_AT_ONCE = 1000;
const CONCURRENCY = 16;

interface Message {
  readonly arn: string;
  readonly record: object;
}

export class Notifications implements Disposable {
  readonly #store: NotificationsOptions['store'];
  readonly #region: string;
  readonly #retrySeconds: number;
  readonly #giveUpSeconds: number;
  readonly #destinations: ReadonlyMap<string, Destination>;
  readonly #clock: Clock;
  readonly #log: Log;
  #telling = 0;

  constructor({ store, settings }: NotificationsOptions) {
    const { retrySeconds, giveUpSeconds } = settings.notifications;
    this.#store = store;
    this.#region = settings.region;
    this.#retrySeconds = retrySeconds;
    this.#giveUpSeconds = giveUpSeconds;
    this.#destinations = openDestinations(settings.notifications, settings.region);
    this.#clock = store.cluster.clock;
    this.#log = store.cluster.log;
    store.witnesses.add((happening) => this.#witness(happening));
  }

  get destinations(): ReadonlyMap<string, Destination> {
    return this.#destinations;
  }

  /** Notes an event that no write to the key itself is: of its tags, its list, or one of its versions. */
  async note(bucket: Bucket, event: string, target: ObjectName, { at, versionId, object }: { at: Timestamp; versionId?: VersionId | undefined; object?: Told['object'] }): Promise<void> {
    const rules = rulesFor(rulesOf(bucket), event, target.object);
    if (rules.length === 0) return;
    const told = { event, at, region: this.#region, bucket: bucket.container, ownerId: bucket.ownerId, key: target.object, object, versionId: versionId && formatVersionId(versionId), cause: causeNow() };
    const due = Math.floor(this.#clock.nowMs() / 1000) + this.#retrySeconds;
    const items = rules.map(({ arn, id }) => {
      const message: Message = { arn, record: recordOf({ ...told, ruleId: id }) };
      return { at: due, name: `${formatTimestamp(at)} ${id} ${target.account}/${target.container}/${target.object}`, text: JSON.stringify(message) };
    });
    await this.#store.telling.add(...items);
    for (const item of items) this.#tellSoon(item);
  }

  #witness({ what, target, container, info }: Happening): Promise<void> | undefined {
    if (container.metadata[BUCKET_METADATA.notification] === undefined || what === 'post') return undefined;
    const cause = causeNow();
    const marks = container.metadata[VERSIONS] !== undefined;
    const event = what === 'put' ? (cause === undefined ? 's3:ObjectCreated:Put' : cause.put) : cause === undefined ? `s3:ObjectRemoved:Delete${marks ? 'MarkerCreated' : ''}` : cause.delete;
    if (event === undefined) return undefined;
    const bucket = new Bucket(target, container);
    if (what === 'delete') return this.note(bucket, event, target, { at: changedAt(info) });
    const opened = this.#store.encryption.opened(info);
    const link = linkOf(opened.metadata);
    const versionId = (link === undefined ? undefined : versionOfLink(link)) ?? (marks ? (versionOf(opened) ?? 'null') : undefined);
    return this.note(bucket, event, target, { at: changedAt(info), versionId, object: { size: shownBytes(opened), etag: shownEtag(opened) } });
  }

  #tellSoon(item: AgendaItem): void {
    if (this.#telling >= MAX_AT_ONCE) return;
    this.#telling++;
    void this.#tell(item)
      .then((told) => (told ? this.#store.telling.done(item) : undefined))
      .catch((error: unknown) => this.#log.debug({ err: error }, 'an event was told and is noted still; it will be told again'))
      .finally(() => this.#telling--);
  }

  /** Whether there is nothing left to do of it. */
  async #tell({ at, name, text = '' }: AgendaItem): Promise<boolean> {
    const { arn, record } = JSON.parse(text) as Message;
    try {
      const destination = this.#destinations.get(arn);
      if (destination === undefined) throw new Error(`there is no destination ${arn} any more`);
      await destination.send(JSON.stringify({ Records: [record] }));
      return true;
    } catch (error) {
      const over = this.#clock.nowMs() / 1000 - at > this.#giveUpSeconds;
      this.#log[over ? 'error' : 'info']({ err: error, event: name, destination: arn }, over ? 'an event could not be told and is given up' : 'an event could not be told; it will be tried again');
      return over;
    }
  }

  /** Tells what could not be told at once. */
  worker(): Daemon {
    return {
      name: 's3-notifications',
      intervalMs: this.#retrySeconds * 1000,
      pass: async (signal) => {
        const done = { told: 0, waiting: 0 };
        const act = async (items: readonly AgendaItem[]): Promise<AgendaItem[]> => {
          const over: AgendaItem[] = [];
          await concurrently(items, CONCURRENCY, async (item) => {
            if (await this.#tell(item)) over.push(item);
          }, signal);
          done.told += over.length;
          done.waiting += items.length - over.length;
          return over;
        };
        await this.#store.telling.work(Math.floor(this.#clock.nowMs() / 1000), act, signal).catch((error: unknown) => {
          if (!isStoreError(error)) throw error;
          this.#log.info({ err: error }, 'events could not be read; the next pass does');
        });
        return { done, more: false };
      },
    };
  }

  [Symbol.dispose](): void {
    for (const destination of this.#destinations.values()) destination.close();
  }
}

export function rulesOf(bucket: Bucket): readonly NotificationRule[] {
  return bucket.parsed('notification', (text) => JSON.parse(text) as NotificationRule[]) ?? [];
}

/** Tells of a change to what is said of an object. */
export async function noteChanged({ notifications, bucket, target, store }: Pick<ObjectRequest, 'notifications' | 'bucket' | 'target' | 'store'>, { versionId, sizeBytes, etag }: Pick<Seen, 'versionId' | 'sizeBytes' | 'etag'>, event: string): Promise<void> {
  await notifications.note(bucket, event, target, { at: timestampFromMs(store.cluster.clock.nowMs()), versionId, object: { size: sizeBytes, etag } });
}
