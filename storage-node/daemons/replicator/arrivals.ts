/**
 * Which partitions that move have arrived at a device's fellow primaries. The assignment before may be forgotten when, after the last process
 * took the ring that has both, every primary to come was seen to hold the same as the others, and as so many of the primaries before that
 * no majority of these is left out: then whatever was acknowledged by any of these majorities is on all primaries to come.
 */
import { quorumSize, type Move, type Ring, type RingDevice } from '#ring';

export interface ArrivalReport {
  /** Of the ring that partitions move by. */
  readonly version: number;
  /** Partitions that move and that the device is to hold; those of them that have been seen to have arrived. */
  readonly moving: number;
  readonly arrived: number;
  /** Since when everything has arrived that was there then, in ms of this node's clock: undefined while something never has. */
  readonly sinceMs: number | undefined;
}

export class Arrivals {
  #version = -1;
  /** By partition: when the last comparison began in which it had arrived. */
  readonly #seenMs = new Map<number, number>();

  /** Notes a comparison that began at `beganMs`, in which `alike` of the other primaries held what this device holds. */
  note(ring: Ring, { partition, self, alike, beganMs }: { partition: number; self: RingDevice; alike: readonly RingDevice[]; beganMs: number }): void {
    this.#follow(ring);
    const move = ring.move(ring.asPartition(partition));
    if (move !== undefined && hasArrived(move, [self, ...alike])) this.#seenMs.set(partition, beganMs);
  }

  /** Undefined where nothing moves. */
  report(ring: Ring, self: RingDevice | undefined): ArrivalReport | undefined {
    if (ring.previous === undefined) return undefined;
    this.#follow(ring);
    let moving = 0;
    let arrived = 0;
    let sinceMs = Infinity;
    for (let partition = 0; partition < ring.partitionCount; partition++) {
      const move = ring.move(ring.asPartition(partition));
      if (move === undefined || self === undefined || !move.after.includes(self)) continue;
      moving++;
      const seenMs = this.#seenMs.get(partition);
      if (seenMs !== undefined) arrived++;
      sinceMs = Math.min(sinceMs, seenMs ?? -Infinity);
    }
    return { version: ring.version, moving, arrived, sinceMs: arrived < moving ? undefined : Math.min(sinceMs, Number.MAX_SAFE_INTEGER) };
  }

  #follow({ version }: Ring): void {
    if (version === this.#version) return;
    this.#version = version;
    this.#seenMs.clear();
  }
}

function hasArrived({ before, after }: Move, alike: readonly RingDevice[]): boolean {
  if (!after.every((device) => alike.includes(device))) return false;
  const left = before.filter((device) => !alike.includes(device)).length;
  return left < quorumSize(before.length);
}
