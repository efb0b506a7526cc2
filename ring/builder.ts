/**
 * Makes rings. A builder knows the devices and what operators want of them; rebalance() turns that into an assignment:
 * replicas of a partition as far apart as regions, zones, hosts and devices allow (within the overload), devices filled by
 * weight, and at most one replica of a partition moved within `minPartHours`, so that the others are where readers look.
 * It holds Swift's vocabulary (replicas, weight, overload, dispersion, handoff) and its rules, not its algorithm.
 */
import { StoreError, type Clock } from '#common';
import { changeDevice, freeId, newDevice, type DeviceChange, type NewDevice } from './device-changes.ts';
import { NO_DEVICE, type RingDevice } from './device.ts';
import { measureBalance, measureDispersion, type BalanceReport, type DispersionReport } from './dispersion.ts';
import { assignAll } from './first-assignment.ts';
import { MAX_PART_POWER, MIN_PART_POWER } from './hash-path.ts';
import { FREE, FROZEN, Placement } from './placement.ts';
import { planReplicas } from './plan.ts';
import { allotPartitions } from './quota.ts';
import { seededRandom } from './random.ts';
import { rebalance, type OnProgress } from './rebalance.ts';
import { fitReplicas, liftForced, resizeTables } from './resize.ts';
import { Ring } from './ring.ts';
import { buildTierTree, TIERS, type TierTree } from './tier-tree.ts';
import { findFaults } from './validate.ts';

/** Everything a builder is; what its file holds. */
export interface BuilderState {
  readonly partPower: number;
  /** As Swift's files have it while a partition power increase is prepared; ours needs no preparation (increasePower), and nothing sets it. */
  readonly nextPartPower?: number | undefined;
  readonly replicas: number;
  readonly minPartHours: number;
  readonly overload: number;
  readonly version: number;
  readonly devices: readonly (RingDevice | undefined)[];
  /** Ids of devices that the next rebalance removes. */
  readonly removed: readonly number[];
  /** True if the next rebalance has something to do that was asked for. */
  readonly changed: boolean;
  /** Empty before the first rebalance. */
  readonly assignments: readonly Uint16Array[];
  /** The assignment before the last rebalance, as long as what moved then may not have arrived; `settle` forgets it. */
  readonly previous?: readonly Uint16Array[] | undefined;
  /** By partition: seconds since the epoch when a replica of it last moved; 0 for never. */
  readonly lastMoved: Uint32Array;
}

export interface RebalanceOptions {
  /** The same seed on the same builder gives the same ring. Without one, the version is the seed. */
  readonly seed?: string | number | undefined;
  /** Keep the assignment before: devices that partitions leave stay among their primaries until `settle`. For rings that hold data. */
  readonly gradual?: boolean | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface RebalanceResult {
  /** Replicas that are on another device than before, new ones included. */
  readonly moved: number;
  readonly removedDevices: number;
  /** Percent; see dispersion.ts. */
  readonly balance: number;
  readonly dispersion: number;
}

const SECONDS_PER_HOUR = 3600;

export class RingBuilder {
  readonly #clock: Clock;
  #state: BuilderState;

  private constructor(state: BuilderState, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  static create({ partPower, replicas, minPartHours, clock }: { partPower: number; replicas: number; minPartHours: number; clock: Clock }): RingBuilder {
    require(Number.isInteger(partPower) && partPower >= MIN_PART_POWER && partPower <= MAX_PART_POWER, `a partition power is ${MIN_PART_POWER}..${MAX_PART_POWER}, not ${partPower}`);
    const empty = { partPower, replicas: 1, minPartHours: 0, overload: 0, version: 0, devices: [], removed: [], changed: false, assignments: [], lastMoved: new Uint32Array(0) };
    const builder = new RingBuilder(empty, clock);
    builder.setReplicas(replicas);
    builder.setMinPartHours(minPartHours);
    return builder;
  }

  static fromState(state: BuilderState, clock: Clock): RingBuilder {
    return new RingBuilder(state, clock);
  }

  get partPower(): number {
    return this.#state.partPower;
  }

  get partitionCount(): number {
    return 2 ** this.#state.partPower;
  }

  /** The builder as plain values; the tables are the builder's own and are not to be written. */
  get state(): BuilderState {
    return this.#state;
  }

  get devices(): readonly RingDevice[] {
    return this.#state.devices.filter((device) => device !== undefined);
  }

  get everRebalanced(): boolean {
    return this.#state.assignments.length > 0;
  }

  /** Adds a device and returns its id; nothing moves before the next rebalance. */
  add(device: NewDevice): number {
    const added = newDevice(device, device.id ?? freeId(this.#state.devices));
    const devices = this.#state.devices.slice();
    const twin = devices.find((other) => other?.ip === added.ip && other.port === added.port && other.device === added.device);
    require(devices[added.id] === undefined, `device id ${added.id} is in use`);
    require(twin === undefined || this.#state.removed.includes(twin.id), `${added.ip}:${added.port}/${added.device} is in the ring already`);
    while (devices.length <= added.id) devices.push(undefined);
    devices[added.id] = added;
    this.#change({ devices });
    return added.id;
  }

  /** Takes the device out at the next rebalance; all its partitions move then, whatever minPartHours says. */
  remove(id: number): void {
    this.#replace(id, { weight: 0 });
    this.#change({ removed: [...this.#state.removed, id] });
  }

  /** Weight 0 drains a device: at the next rebalance its partitions move, and it stays in the ring. */
  setWeight(id: number, weight: number): void {
    this.#replace(id, { weight });
  }

  setRegion(id: number, region: number): void {
    this.#replace(id, { region });
  }

  setZone(id: number, zone: number): void {
    this.#replace(id, { zone });
  }

  /** Changes address, name or remark, which move nothing unless a device changes host. */
  setInfo(id: number, info: Pick<DeviceChange, 'ip' | 'port' | 'replicationIp' | 'replicationPort' | 'device' | 'meta'>): void {
    this.#replace(id, info);
  }

  /** May be fractional: with 2.5, half of the partitions have three replicas. */
  setReplicas(replicas: number): void {
    require(Number.isFinite(replicas) && replicas >= 1 && replicas <= 30, `replicas are 1..30, not ${replicas}`);
    this.#change({ replicas });
  }

  setMinPartHours(minPartHours: number): void {
    require(Number.isInteger(minPartHours) && minPartHours >= 0, `min_part_hours is a natural number, not ${minPartHours}`);
    this.#state = { ...this.#state, minPartHours };
  }

  /** 0.1 lets a device take 10% more than its weight where that puts replicas further apart. */
  setOverload(overload: number): void {
    require(Number.isFinite(overload) && overload >= 0, `an overload is 0 or more, not ${overload}`);
    this.#change({ overload });
  }

  /**
   * Cuts every partition in two, both on the devices of the one: keys stay where they are, and so do majorities. Nothing on the devices goes by partitions
   * (docs/decisions/0035), so processes that have the ring before and those that have this one agree on everything. Throws while partitions move.
   */
  increasePower(): void {
    require(!this.isMoving, 'what moved at the last rebalance has not all arrived: settle it first');
    const { partPower, assignments, lastMoved, changed } = this.#state;
    require(partPower < MAX_PART_POWER, `a partition power is ${MAX_PART_POWER} at most`);
    const doubled = <Table extends Uint16Array | Uint32Array>(table: Table, into: Table): Table => {
      for (let partition = 0; partition < into.length; partition++) into[partition] = table[partition >>> 1]!;
      return into;
    };
    this.#change({
      partPower: partPower + 1,
      assignments: assignments.map((table) => doubled(table, new Uint16Array(2 * table.length))),
      lastMoved: doubled(lastMoved, new Uint32Array(2 * lastMoved.length)),
    });
    this.#state = { ...this.#state, changed };
  }

  /** Lets every partition move at the next rebalance. For operators who know that replication is through. */
  pretendMinPartHoursPassed(): void {
    this.#state = { ...this.#state, lastMoved: new Uint32Array(this.#state.lastMoved.length) };
  }

  /** Seconds until every partition may move again. */
  minPartSecondsLeft(): number {
    const last = this.#state.lastMoved.reduce((latest, moved) => Math.max(latest, moved), 0);
    return last === 0 ? 0 : Math.max(0, last + this.#state.minPartHours * SECONDS_PER_HOUR - this.#nowSeconds());
  }

  /** The smallest overload with which replicas are as dispersed as tiers allow. */
  requiredOverload(): number {
    const { tree, weights } = this.#weightedTree();
    return planReplicas(tree, weights, this.#state.replicas, 0).requiredOverload;
  }

  /** Whether partitions move: the last rebalance was gradual and is not settled. */
  get isMoving(): boolean {
    return this.#state.previous !== undefined;
  }

  /** Everything has arrived: the devices that partitions left are no longer among their primaries, and those that were removed are gone. */
  settle(): { removedDevices: number } {
    require(this.isMoving, 'no partition is moving');
    const { removed } = this.#state;
    this.#change({ previous: undefined, ...this.#withoutRemoved() });
    this.#state = { ...this.#state, changed: false };
    return { removedDevices: removed.length };
  }

  /** Throws `bad-request` if fewer devices have weight than there are replicas, and while what moved before has not arrived. */
  rebalance({ seed, gradual, onProgress }: RebalanceOptions = {}): RebalanceResult {
    require(!this.isMoving, 'what moved at the last rebalance has not all arrived: settle it first');
    const { replicas, overload, removed, assignments } = this.#state;
    const first = !this.everRebalanced;
    const { tree, weights } = this.#weightedTree();
    const plan = planReplicas(tree, weights, replicas, overload);
    const random = seededRandom(seed ?? `version ${this.#state.version}`);
    const total = Math.floor(this.partitionCount * replicas + 1e-9);
    const wanted = { tables: Math.ceil(replicas), partitionCount: this.partitionCount };
    const tables = resizeTables(assignments, wanted);
    const before = resizeTables(assignments, wanted);
    if (!this.everRebalanced) {
      assignAll(tree, allotPartitions(tree, plan.target, new Int32Array(tree.nodeCount), total), tables, random);
      onProgress?.(1);
    } else {
      liftForced(tables, tree);
      const quota = allotPartitions(tree, plan.target, countHeld(tree, tables), total);
      fitReplicas({ tables, before, total, quota, tree, random });
      rebalance(new Placement({ tree, plan, quota, tables, before, mobility: this.#mobility(), random }), onProgress);
    }
    const { moved, lastMoved } = this.#compare(before, tables);
    const moving = gradual === true && !first && moved > 0;
    this.#change({ assignments: tables, lastMoved, previous: moving ? assignments : undefined, ...(moving ? {} : this.#withoutRemoved()) });
    this.#state = { ...this.#state, changed: false };
    return { moved, removedDevices: removed.length, balance: this.balance().balance, dispersion: this.dispersion().dispersion };
  }

  balance(): BalanceReport {
    return measureBalance(this.#state);
  }

  dispersion(): DispersionReport {
    return measureDispersion(this.#state);
  }

  /** What is wrong with the assignment, one sentence a fault; empty if nothing is. */
  validate(): string[] {
    return findFaults(this.#state);
  }

  /** Throws `bad-request` before the first rebalance. */
  toRing(): Ring {
    require(this.everRebalanced, 'the ring has no assignment yet: rebalance it first');
    const { partPower, nextPartPower, replicas, version, devices, assignments, previous } = this.#state;
    // Devices that wait for their removal stay until no partition is on them.
    return new Ring({ partPower, nextPartPower, replicaCount: replicas, version, devices, assignments, previous });
  }

  #withoutRemoved(): Pick<BuilderState, 'devices' | 'removed'> {
    const { devices, removed } = this.#state;
    return { devices: devices.map((device) => (device && removed.includes(device.id) ? undefined : device)), removed: [] };
  }

  #weightedTree(): { tree: TierTree; weights: number[] } {
    const { replicas, devices } = this.#state;
    const weighted = this.devices.filter((device) => device.weight > 0);
    require(weighted.length >= replicas, `${replicas} replicas need at least as many devices with weight, and there are ${weighted.length}`);
    return { tree: buildTierTree(weighted), weights: devices.map((device) => device?.weight ?? 0) };
  }

  #mobility(): Uint8Array {
    const { lastMoved, minPartHours } = this.#state;
    const movedSince = this.#nowSeconds() - minPartHours * SECONDS_PER_HOUR;
    return Uint8Array.from(lastMoved, (moved) => (moved !== 0 && moved > movedSince ? FROZEN : FREE));
  }

  #compare(before: readonly Uint16Array[], after: readonly Uint16Array[]): { moved: number; lastMoved: Uint32Array } {
    const lastMoved = this.everRebalanced ? this.#state.lastMoved.slice() : new Uint32Array(this.partitionCount);
    const now = this.#nowSeconds();
    let moved = 0;
    after.forEach((table, replica) => {
      const old = before[replica] as Uint16Array;
      for (let partition = 0; partition < table.length; partition++) {
        if (table[partition] === NO_DEVICE || table[partition] === old[partition]) continue;
        moved++;
        lastMoved[partition] = now;
      }
    });
    return { moved, lastMoved };
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.nowMs() / 1000);
  }

  #replace(id: number, change: DeviceChange): void {
    const device = this.#state.devices[id];
    require(device !== undefined, `no device has id ${id}`);
    require(!this.#state.removed.includes(id), `device ${id} is marked for removal`);
    const devices = this.#state.devices.slice();
    devices[id] = changeDevice(device as RingDevice, change);
    this.#change({ devices });
  }

  #change(change: Partial<BuilderState>): void {
    this.#state = { ...this.#state, ...change, changed: true, version: this.#state.version + 1 };
  }
}

/** By tree node: part-replicas that it holds. */
function countHeld(tree: TierTree, tables: readonly Uint16Array[]): Int32Array {
  const held = new Int32Array(tree.nodeCount);
  const counts = new Int32Array(NO_DEVICE + 1);
  for (const table of tables) for (let at = 0; at < table.length; at++) counts[table[at] as number] = (counts[table[at] as number] as number) + 1;
  for (let node = tree.nodeCount - 1; node >= 0; node--) {
    if (tree.depth[node] === TIERS) held[node] = counts[tree.deviceOf[node] as number] as number;
    if (node > 0) held[tree.parent[node] as number] = (held[tree.parent[node] as number] as number) + (held[node] as number);
  }
  return held;
}

function require(holds: boolean, fault: string): void {
  if (!holds) throw new StoreError('bad-request', fault);
}
