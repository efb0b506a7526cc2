/** A proxy of a TestCluster, with the users of Swift's functional suite. */
import { HybridClock, parseConfig, type Clock, type Log } from '#common';
import { memoryCache } from '#common/cache';
import { startProxy, type Proxy } from '#proxy';
import type { TempauthUser } from '#proxy/auth';
import type { Store } from '#proxy/core';
import type { PolicySet, RingDevice } from '#ring';
import { NodeClient, type DeviceClient } from '#storage-node/client';
import type { TestRings } from './rings.ts';
import { TEST_SECRET } from './test-cluster.ts';

/** Those of the sample configuration of Swift's functional suite, as in examples/suite.yaml. */
export const TEST_USERS: readonly TempauthUser[] = [
  { account: 'admin', user: 'admin', key: 'admin', groups: ['.admin', '.reseller_admin'] },
  { account: 'test', user: 'tester', key: 'testing', groups: ['.admin'] },
  { account: 'test', user: 'tester2', key: 'testing2', groups: ['.admin'] },
  { account: 'test', user: 'tester3', key: 'testing3', groups: [] },
  { account: 'test2', user: 'tester2', key: 'testing2', groups: ['.admin'] },
  { account: 'test5', user: 'tester5', key: 'testing5', groups: ['service'] },
  { account: 'test', user: 'tester6', key: 'testing6', groups: ['.reseller_admin'] },
];

export interface Login {
  /** Of the account, e.g. `http://127.0.0.1:40123/v1/AUTH_test`. */
  readonly url: string;
  readonly token: string;
}

export interface TestProxyOptions {
  readonly rings: TestRings;
  readonly policies: PolicySet;
  readonly clock: Clock;
  readonly log: Log;
  /** The section `swift` of the configuration. */
  readonly swift?: Readonly<Record<string, unknown>>;
  /** Whether what acts on names beside clients is there; default no. */
  readonly janitors?: boolean;
  readonly wrap?: (client: DeviceClient, device: RingDevice) => DeviceClient;
  /** The client of a device; default: requests to the node that listens where the ring says. */
  readonly device?: (device: RingDevice) => DeviceClient;
}

export class TestProxy implements AsyncDisposable {
  readonly #proxy: Proxy;
  readonly #stack: AsyncDisposableStack;

  private constructor(proxy: Proxy, stack: AsyncDisposableStack) {
    this.#proxy = proxy;
    this.#stack = stack;
  }

  static async start({ rings, policies, clock, log, swift = {}, janitors = false, wrap = (client) => client, device }: TestProxyOptions): Promise<TestProxy> {
    await using stack = new AsyncDisposableStack();
    const nodes = stack.use(new NodeClient({ secret: TEST_SECRET }));
    const cache = stack.use(memoryCache({ maxEntries: 10_000, nowMs: () => clock.nowMs() }));
    const clientOf = device ?? ((place: RingDevice) => nodes.device(place));
    const cluster = { rings: () => rings, salt: rings.salt, policies, device: (place: RingDevice) => wrap(clientOf(place), place), timestamps: new HybridClock(clock), clock, cache, log };
    const config = parseConfig({ proxy: { port: 0 }, auth: { tempauth: { users: TEST_USERS, servicePrefixes: [{ prefix: 'SERVICE', requireGroup: 'service' }] } }, swift, janitors: { expirer: { enabled: janitors }, accountReaper: { enabled: janitors }, deleter: { enabled: janitors } } });
    const proxy = stack.use(await startProxy({ cluster, config, secret: TEST_SECRET, version: 'test', log }));
    return new TestProxy(proxy, stack.move());
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#proxy.listening.port}`;
  }

  /** Core itself, for what no dialect says. */
  get store(): Store {
    return this.#proxy.store;
  }

  async login(user = 'test:tester', key = 'testing'): Promise<Login> {
    const answer = await fetch(`${this.endpoint}/auth/v1.0`, { headers: { 'X-Auth-User': user, 'X-Auth-Key': key } });
    const token = answer.headers.get('x-auth-token');
    const url = answer.headers.get('x-storage-url');
    if (token === null || url === null) throw new Error(`no token for ${user}: ${answer.status}`);
    return { url, token };
  }

  /** Finishes requests in flight and stops. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
