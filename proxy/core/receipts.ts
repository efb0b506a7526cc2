/**
 * Receipts: for clients that ask, on which devices their writes were made durable, where in those devices' histories, and when. Whoever serves a request
 * for them collects while it does; writes to objects note theirs, however deep below (a version and the link to it, a manifest, the parts of a copy).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { formatTimestamp, type Timestamp } from '#common';
import { percentEncodePath } from '#common/http';
import type { WriteReceipt } from '#storage-node/protocol';
import type { ContainerSummary } from './containers.ts';
import type { ObjectName } from './objects.ts';
import type { Placement, Replica } from './placement.ts';
import { isReserved } from './reserved.ts';

/** Of one device. */
export interface DeviceReceipt {
  /** The device's number in its ring, with its failure domains: addresses are nobody else's business. */
  readonly device: number;
  readonly region: number;
  readonly zone: number;
  readonly role: 'primary' | 'handoff';
  /** Its history has the write as this record of this volume. Left out, with `synced`, where it held just this already. */
  readonly volume?: number;
  readonly sequence?: number;
  /** When the sync returned, by the device's clock (RFC 3339). */
  readonly synced?: string;
}

/** Of one write to one object. */
export interface ObjectReceipt {
  readonly operation: 'put' | 'post' | 'delete';
  /** Percent-encoded path; left out for what the store keeps for itself. */
  readonly object?: string;
  readonly timestamp: string;
  readonly policy: string;
  readonly consistency: 'strong' | 'available';
  /** Primaries that make a majority. */
  readonly quorum: number;
  /** MD5 of the data, and their length: of puts. */
  md5?: string;
  bytes?: number;
  readonly devices: readonly DeviceReceipt[];
}

export interface Receipts {
  readonly writes: ObjectReceipt[];
  /** Writes beyond those that are told of. */
  more?: number;
}

export interface Receipted {
  readonly target: ObjectName;
  readonly placement: Placement;
  readonly policy: { readonly name: string; readonly consistency: 'strong' | 'available' };
  readonly container: ContainerSummary;
}

/** Bounds the header that carries them. */
const MAX_WRITES = 8;

const collecting = new AsyncLocalStorage<Receipts>();

/** Does `work`, which is handed what is noted meanwhile. */
export function collectReceipts<T>(work: (receipts: Receipts) => Promise<T>): Promise<T> {
  const receipts: Receipts = { writes: [] };
  return collecting.run(receipts, () => work(receipts));
}

/** Whether somebody collects: what is noted need not be made else. */
export function isCollecting(): boolean {
  return collecting.getStore() !== undefined;
}

/** Notes a write that a majority has, where somebody collects; `took` are the devices that took it. */
export function noteReceipt(place: Receipted, { operation, timestamp, took }: { operation: ObjectReceipt['operation']; timestamp: Timestamp; took: readonly (readonly [Replica, WriteReceipt])[] }): void {
  const receipts = collecting.getStore();
  if (receipts === undefined) return;
  if (receipts.writes.length >= MAX_WRITES) {
    receipts.more = (receipts.more ?? 0) + 1;
    return;
  }
  const { account, container, object } = place.target;
  receipts.writes.push({
    operation,
    ...(isReserved(account) || isReserved(container) ? {} : { object: percentEncodePath(`/${account}/${container}/${object}`) }),
    timestamp: formatTimestamp(timestamp),
    policy: place.policy.name,
    consistency: place.policy.consistency,
    quorum: place.placement.need,
    devices: took.map(([replica, receipt]) => deviceReceipt(place.placement, replica, receipt)),
  });
}

/** What was written, once that is known. */
export function noteData(timestamp: Timestamp, { md5, bytes }: { md5: string; bytes: number }): void {
  const receipt = collecting.getStore()?.writes.findLast(({ operation, timestamp: of }) => operation === 'put' && of === formatTimestamp(timestamp));
  if (receipt !== undefined) Object.assign(receipt, { md5, bytes });
}

function deviceReceipt(placement: Placement, replica: Replica, { durability }: WriteReceipt): DeviceReceipt {
  const { id, region, zone } = replica.device;
  const role = placement.replicas.includes(replica) ? 'primary' : 'handoff';
  const where = durability && { volume: durability.volume, sequence: durability.sequence, synced: new Date(durability.syncedAtMs).toISOString() };
  return { device: id, region, zone, role, ...where };
}
