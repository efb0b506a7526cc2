/** A proxy process, or the proxy's part of a process: opens the store over a cluster and serves its dialects until told to stop. */
import type { Config, Log } from '#common';
import { listen, type Listening } from '#common/http';
import { Tempauth } from '#proxy/auth';
import { openStore, type Cluster, type Store } from '#proxy/core';
import { createEdgeServer } from '#proxy/edge';
import { createApp, handlerOf } from './app.ts';

export interface ProxyOptions {
  readonly cluster: Cluster;
  readonly config: Pick<Config, 'proxy' | 'auth' | 'limits' | 'swift'>;
  /** Signs tokens; the same on every proxy of the cluster. */
  readonly secret: string;
  readonly version: string;
  readonly log: Log;
}

export interface Proxy extends AsyncDisposable {
  readonly store: Store;
  readonly listening: Listening;
}

/** Serves on `config.proxy`. Disposing finishes requests in flight. Throws `unavailable` where it cannot listen. */
export async function startProxy({ cluster, config, secret, version, log }: ProxyOptions): Promise<Proxy> {
  const store = openStore(cluster);
  const tempauth = new Tempauth({ ...config.auth.tempauth, secret });
  let stopping = false;
  const app = createApp({ store, tempauth, config, clock: cluster.clock, log, version, secret, isStopping: () => stopping });
  const server = createEdgeServer(handlerOf(app), config.limits);
  const listening = await listen(server, config.proxy);
  return {
    store,
    listening,
    [Symbol.asyncDispose]: async () => {
      stopping = true;
      await listening.close(config.limits.shutdownGraceMs);
      await store.close();
    },
  };
}
