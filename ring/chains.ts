/**
 * The end game of a rebalance: a device with too many partitions, none of which may go straight to a device that wants one.
 * Seen as a graph, devices are nodes and every partition that may move from one to another is an edge; a shortest path from
 * any overfull device to any that wants more is a chain of moves after which only its ends have changed. A replica that
 * moved in this rebalance already is sent on at no cost, so chains of such are tried first; others are one more move each.
 */
import { FREE, isDevice, MOVED, type Placement } from './placement.ts';

/** Bound the search on rings whose rest is hard to settle: questions of the kind "may this replica go there". */
const BASE_QUESTIONS = 100_000;
const QUESTIONS_PER_SLOT = 12;
const MAX_QUESTIONS = 10_000_000;
/** Chains that came to nothing before the search gives up: two of their moves were of one partition. */
const MAX_FAILURES = 64;

/** Moves partitions along chains until no device is overfull or no chain is left. */
export function shiftByChains(placement: Placement): void {
  const overfull = (): number[] => {
    const found: number[] = [];
    placement.wants.forEach((want, device) => {
      if (want < 0) found.push(device);
    });
    return found;
  };
  if ((placement.room[0] as number) === 0 || overfull().length === 0) return;
  const chains = new Chains(placement);
  let failures = 0;
  for (let sources = overfull(); sources.length > 0 && failures < MAX_FAILURES && chains.questions < chains.maxQuestions; sources = overfull()) {
    let end = chains.search(sources, { inFlightOnly: true });
    if (end < 0) end = chains.search(sources, { inFlightOnly: false });
    if (end < 0) return;
    if (!chains.shift(end)) failures++;
  }
}

class Chains {
  questions = 0;
  readonly maxQuestions: number;
  readonly #placement: Placement;
  readonly #devices: number[];
  /** Slots (replica * partitionCount + partition) of each device as a doubly linked list; -1 ends it. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** By device, of the last search: the slot that moves to it, -1 for sources, -2 where the search was not. */
  readonly #via: Int32Array;

  constructor(placement: Placement) {
    this.#placement = placement;
    const slots = placement.replicas * placement.partitionCount;
    this.maxQuestions = Math.min(MAX_QUESTIONS, BASE_QUESTIONS + QUESTIONS_PER_SLOT * slots);
    this.#devices = [...placement.tree.deviceOf].filter((device) => device >= 0);
    this.#first = new Int32Array(placement.wants.length).fill(-1);
    this.#next = new Int32Array(slots).fill(-1);
    this.#previous = new Int32Array(slots).fill(-1);
    this.#via = new Int32Array(placement.wants.length).fill(-2);
    // Linked at the head, those in flight last: they come first in every list.
    for (const flying of [false, true]) {
      for (let slot = 0; slot < slots; slot++) {
        const device = this.#deviceOf(slot);
        if (isDevice(device) && this.#inFlight(slot) === flying) this.#link(slot, device);
      }
    }
  }

  /** Breadth first from all sources at once; the device that wants a partition and is reached first, or -1. */
  search(sources: readonly number[], { inFlightOnly }: { inFlightOnly: boolean }): number {
    const { wants } = this.#placement;
    const queue = [...sources];
    this.#via.fill(-2);
    for (const source of sources) this.#via[source] = -1;
    const unreached = this.#devices.filter((device) => this.#via[device] === -2);
    // Those that want one come last, where the scan below begins.
    unreached.sort((a, b) => Math.sign(wants[a] as number) - Math.sign(wants[b] as number));
    for (const device of queue) {
      for (let slot = this.#first[device] as number; slot >= 0 && unreached.length > 0; slot = this.#next[slot] as number) {
        if (inFlightOnly && !this.#inFlight(slot)) break;
        if (!this.#mayMove(slot)) continue;
        for (let at = unreached.length - 1; at >= 0; at--) {
          const target = unreached[at] as number;
          if (!this.#fits(slot, target)) continue;
          this.#via[target] = slot;
          if ((wants[target] as number) > 0) return target;
          unreached.splice(at, 1);
          queue.push(target);
        }
        if (this.questions > this.maxQuestions) return -1;
      }
    }
    return -1;
  }

  /** Moves along the chain that the last search found, from its end back; false if it broke on the way. */
  shift(end: number): boolean {
    const placement = this.#placement;
    let target = end;
    for (;;) {
      const slot = this.#via[target] as number;
      if (slot < 0) return true;
      const source = this.#deviceOf(slot);
      // An earlier link of this chain may have moved the same partition.
      if (source === target || !this.#mayMove(slot) || !this.#fits(slot, target)) return false;
      const partition = slot % placement.partitionCount;
      const replica = Math.floor(slot / placement.partitionCount);
      this.#unlink(slot, source);
      placement.move(partition, replica, target);
      this.#link(slot, target);
      if (placement.mobility[partition] === FREE) placement.mobility[partition] = MOVED;
      else if (placement.mobility[partition] === MOVED && !placement.inFlight(partition, replica)) placement.mobility[partition] = FREE;
      target = source;
    }
  }

  #deviceOf(slot: number): number {
    const { partitionCount, tables } = this.#placement;
    return (tables[Math.floor(slot / partitionCount)] as Uint16Array)[slot % partitionCount] as number;
  }

  #inFlight(slot: number): boolean {
    const { partitionCount } = this.#placement;
    return this.#placement.inFlight(slot % partitionCount, Math.floor(slot / partitionCount));
  }

  #mayMove(slot: number): boolean {
    return this.#placement.mobility[slot % this.#placement.partitionCount] === FREE || this.#inFlight(slot);
  }

  #fits(slot: number, device: number): boolean {
    this.questions++;
    const { partitionCount } = this.#placement;
    return this.#placement.fits(slot % partitionCount, Math.floor(slot / partitionCount), device);
  }

  #link(slot: number, device: number): void {
    const first = this.#first[device] as number;
    this.#next[slot] = first;
    this.#previous[slot] = -1;
    if (first >= 0) this.#previous[first] = slot;
    this.#first[device] = slot;
  }

  #unlink(slot: number, device: number): void {
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    if (previous >= 0) this.#next[previous] = next;
    else this.#first[device] = next;
    if (next >= 0) this.#previous[next] = previous;
  }
}
