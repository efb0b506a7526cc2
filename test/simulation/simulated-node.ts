/** A storage node of a simulation: the real object engine on a simulated disk, listings over a log, and the daemons of a node around them. */
import { HybridClock, runDaemon, silentLog, TICK_SHARES, type Clock, type Daemon } from '#common';
import type { ClusterRings } from '#proxy/core';
import type { HashSalt, RingDevice } from '#ring';
import type { DeviceClient } from '#storage-node/client';
import { compactor, containerUpdater, databaseReplicator, objectReplicator, objectUpdater } from '#storage-node/daemons';
import { openDevice, timelyListings, timelyObjects, type Device, type VolumeEngine, type VolumeSettings } from '#storage-node/engine';
import type { ListingEngine, LocalListingReplica } from '#storage-node/protocol';
import { SeededRandom } from '../../storage-node/engine/files/random.ts';
import { NO_FAULTS, SimulatedDisk } from '../../storage-node/engine/files/simulated-disk.ts';
import { SimulatedIndex } from '../../storage-node/engine/index-store/simulated-index.ts';
import { farDevice } from './far-device.ts';
import { ListingLog } from './logged-listings.ts';
import { asError, Host, type Network } from './network.ts';
import { planted, type Plant } from './plants.ts';
import type { Timeline } from './timeline.ts';

export interface NodeWorld {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly random: SeededRandom;
  readonly rings: () => ClusterRings;
  readonly salt: HashSalt;
  /** The node that has the device. */
  readonly node: (device: RingDevice) => SimulatedNode;
  readonly settings: Partial<VolumeSettings>;
  readonly plant: Plant;
}

/** Nobody listens there. */
export const PORT = 6200;
export const DEVICE = 'd';
const RECLAIM_MS = 3_600_000;
/** How much later a disk syncs that answers first. */
const LATE_MS = 500;
/** Between two tries to open a device whose disk fails. */
/** Clocks of proxies jump by a minute (plan.ts): devices notice. */
export const MAX_SKEW_MS = 20_000;
const RETRY_MS = 200;

export class SimulatedNode {
  readonly ip: string;
  readonly disk: SimulatedDisk;
  /** The process that runs, or ran last. */
  host: Host;
  clockOffsetMs = 0;
  readonly #world: NodeWorld;
  readonly #index = new SimulatedIndex();
  readonly #listingLog = new ListingLog();
  readonly #clock: Clock;
  #pid = 100;
  #life = new AbortController();
  #device: Device | undefined;
  #listings: (ListingEngine & LocalListingReplica) | undefined;
  #isOff = true;
  #starting: Promise<void> = Promise.resolve();

  constructor(ip: string, world: NodeWorld) {
    this.ip = ip;
    this.#world = world;
    this.host = new Host(ip);
    this.host.alive = false;
    this.#clock = world.timeline.clock(() => this.clockOffsetMs);
    this.disk = new SimulatedDisk(new SeededRandom(world.random.below(2 ** 32)));
    this.disk.latency = () => world.timeline.sleep(this.stallMs + world.random.below(300) / 100);
    this.disk.lyingSync = world.plant === 'no-fdatasync';
    this.disk.lateSync = world.plant === 'index-before-sync';
    if (this.disk.lateSync) this.disk.latency = () => world.timeline.sleep(LATE_MS);
  }

  /** A disk that hangs adds this to each sync. */
  stallMs = 0;

  get isUp(): boolean {
    return this.host.alive;
  }

  /** The engine, of a node that is up. */
  get engine(): VolumeEngine {
    return this.#device!.objects(0);
  }

  get listings(): ListingEngine & LocalListingReplica {
    return this.#listings!;
  }

  /** Opens the device and begins to answer; tries again while the disk fails. One that was started already is left alone. */
  start(): Promise<void> {
    if (this.#isOff) this.#starting = this.#open();
    return this.#starting;
  }

  async #open(): Promise<void> {
    const host = new Host(this.ip);
    this.host = host;
    host.alive = false;
    this.#isOff = false;
    const { timeline, settings, random } = this.#world;
    while (this.host === host && !this.#isOff) {
      try {
        const processes = { self: { pid: ++this.#pid, host: this.ip, incarnation: '' }, isAlive: () => false };
        const device = await openDevice({ directory: '/device', clock: this.#clock, files: this.disk.files(), random, settings, processes, openIndex: async () => this.#index.open(this.disk) });
        const listings = await this.#listingLog.open(() => host.alive);
        if (this.host !== host || this.#isOff) return;
        this.#device = device;
        this.#listings = listings;
        host.alive = true;
        this.#look();
        return;
      } catch (error) {
        if (error instanceof TypeError) throw error;
        await timeline.sleep(RETRY_MS);
      }
    }
  }

  /** The power fails: what was not synced is there in part. */
  powerOff(): void {
    this.#end();
    this.disk.crashNow();
    this.disk.reboot();
    this.#index.crash(this.#world.random);
    this.#listingLog.crash(this.#world.random);
  }

  /** The process is killed: what it wrote is there. */
  kill(): void {
    this.#end();
    this.disk.kill();
  }

  /** The disk is well again. */
  calm(): void {
    this.disk.faults = NO_FAULTS;
    this.disk.capacityBytes = Infinity;
    this.stallMs = 0;
  }

  #end(): void {
    this.#isOff = true;
    this.host.die();
    this.#life.abort(new Error('the process ended'));
    this.#life = new AbortController();
  }

  /** How others on `from` see a device of this node. */
  seenFrom(from: Host): DeviceClient {
    const { network } = this.#world;
    const bound = { clock: this.#clock, maxSkewMs: MAX_SKEW_MS };
    return farDevice({ network, from, to: () => this.host, objects: () => timelyObjects(planted(this.engine, this.#world.plant), bound), listings: () => timelyListings(this.listings, bound) });
  }

  /** Starts the daemons. */
  #look(): void {
    const { rings, salt, node } = this.#world;
    const { host } = this;
    const [engine, listingEngine] = [this.engine, this.listings];
    const clients = new Map<string, DeviceClient>();
    const device = (of: RingDevice): DeviceClient => {
      let client = clients.get(of.ip);
      if (client === undefined) clients.set(of.ip, (client = node(of).seenFrom(host)));
      return client;
    };
    const view = { get account() { return rings().account; }, get container() { return rings().container; }, salt, object: (policy: number) => rings().object(policy) };
    const objects = (): { device: string; policy: number; engine: VolumeEngine }[] => [{ device: DEVICE, policy: 0, engine }];
    const listings = (): { device: string; engine: ListingEngine & LocalListingReplica }[] => [{ device: DEVICE, engine: listingEngine }];
    const common = { clock: this.#clock, log: silentLog(), rings: view, nodes: { device }, reclaimAgeMs: RECLAIM_MS, address: { ip: this.ip, port: PORT } };
    const daemons: Daemon[] = [
      objectReplicator({ ...common, objects, intervalMs: 2000, graceMs: 500 }),
      databaseReplicator({ ...common, listings, intervalMs: 2000 }),
      compactor({ ...common, objects, intervalMs: 500 }),
      containerUpdater({ ...common, listings, timestamps: new HybridClock(this.#clock, TICK_SHARES - 1), intervalMs: 1000 }),
    ];
    if (this.#world.plant !== 'no-pending') daemons.push(objectUpdater({ ...common, objects, intervalMs: 500, graceMs: 500 }));
    for (const daemon of daemons) runDaemon(daemon, { clock: this.#clock, signal: this.#life.signal, log: failing(this.#world.network, host) });
  }
}

/** A log that takes what daemons call errors (no faults of the world) for faults of the program. */
function failing(network: Network, host: Host): ReturnType<typeof silentLog> {
  const log = silentLog();
  log.error = ((context: { err?: unknown }) => {
    if (host.alive) network.fault ??= asError(context.err);
  });
  return log;
}
