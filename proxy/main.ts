/** A proxy process, or the proxy's part of a process: opens the store over a cluster and serves its dialects until told to stop. */
import { runDaemon, type Config, type Daemon, type DaemonStatus, type Log } from '#common';
import { listen, type Listening } from '#common/http';
import type { Operations } from '#proxy/admin';
import { Tempauth } from '#proxy/auth';
import { openStore, type Cluster, type Store } from '#proxy/core';
import { createEdgeServer } from '#proxy/edge';
import { accountReaper, deleter, expirer, reconciler } from '#proxy/janitors';
import { lifecycleWorker, Notifications } from '#proxy/s3';
import { containerSync, SyncRealms } from '#proxy/swift';
import { createApp, handlerOf } from './app.ts';

export interface ProxyOptions {
  readonly cluster: Cluster;
  readonly config: Pick<Config, 'proxy' | 'auth' | 'limits' | 'swift' | 's3' | 'janitors'>;
  /** Signs tokens; the same on every proxy of the cluster. */
  readonly secret: string;
  readonly version: string;
  /** What operators may ask of this process besides its store. */
  readonly operations?: Operations;
  readonly log: Log;
}

export interface Proxy extends AsyncDisposable {
  readonly store: Store;
  readonly listening: Listening;
  /** What its janitors did. */
  readonly janitors: readonly DaemonStatus[];
}

/** Serves on `config.proxy`. Disposing finishes requests in flight. Throws `unavailable` where it cannot listen. */
export async function startProxy({ cluster, config, secret, version, operations = {}, log }: ProxyOptions): Promise<Proxy> {
  const store = openStore(cluster);
  const tempauth = new Tempauth({ ...config.auth.tempauth, secret });
  let stopping = false;
  const notifications = new Notifications({ store, settings: config.s3 });
  const janitors = startJanitors({ store, notifications }, config, log);
  const app = createApp({ store, notifications, tempauth, config, clock: cluster.clock, log, version, secret, operations, isStopping: () => stopping, janitors: janitors.statuses });
  const server = createEdgeServer(handlerOf(app), config.limits);
  const listening = await listen(server, config.proxy).catch(async (error: unknown) => {
    await janitors.stop();
    throw error;
  });
  return {
    store,
    listening,
    janitors: janitors.statuses,
    [Symbol.asyncDispose]: async () => {
      stopping = true;
      await Promise.all([listening.close(config.limits.shutdownGraceMs), janitors.stop()]);
      notifications[Symbol.dispose]();
      await store.close();
    },
  };
}

/** Begins what acts on names beside clients. */
function startJanitors({ store, notifications }: { store: Store; notifications: Notifications }, { janitors: config, swift, s3 }: Pick<Config, 'janitors' | 'swift' | 's3'>, log: Log): { statuses: readonly DaemonStatus[]; stop: () => Promise<void> } {
  const { clock } = store.cluster;
  const daemons: Daemon[] = [];
  if (config.expirer.enabled) daemons.push(expirer({ store, clock, log, ...config.expirer, intervalMs: config.expirer.intervalSeconds * 1000 }));
  if (config.reconciler.enabled) daemons.push(reconciler({ store, log, intervalMs: config.reconciler.intervalSeconds * 1000 }));
  if (config.deleter.enabled) daemons.push(deleter({ store, clock, log, ...config.deleter, intervalMs: config.deleter.intervalSeconds * 1000 }));
  if (config.accountReaper.enabled) daemons.push(accountReaper({ store, clock, log, ...config.accountReaper, intervalMs: config.accountReaper.intervalSeconds * 1000 }));
  const realms = new SyncRealms(swift.containerSync);
  const { intervalSeconds, concurrency } = swift.containerSync;
  if (realms.any) daemons.push(containerSync({ store, realms, clock, log, concurrency, intervalMs: intervalSeconds * 1000 }));
  if (s3.enabled) daemons.push(notifications.worker(), lifecycleWorker({ store, notifications, clock, log, intervalMs: s3.lifecycleIntervalSeconds * 1000, dayMs: s3.lifecycleDaySeconds * 1000 }));
  const stopping = new AbortController();
  const running = daemons.map((daemon) => runDaemon(daemon, { clock, signal: stopping.signal, log }));
  return {
    statuses: running.map(({ status }) => status),
    stop: async () => {
      stopping.abort();
      await Promise.allSettled(running.map(({ ended }) => ended));
    },
  };
}
