/**
 * Digests of what an engine holds, for anti-entropy: one for each of 2^18 slices of the key space, kept in memory with every change and
 * in the index with every checkpoint. Slices are cut by the key alone: a partition of whatever power is a run of slices and its digest
 * their sum, so that an engine need not know the ring, and a ring with more partitions finds the digests made. At partition power 10 a
 * partition has 256 of them.
 *
 * In the index a page holds the digests of 256 slices: `d <page>`. What a crash leaves of the pages is right for every slice that no
 * record after the checkpoint touched, so recovery counts only the touched ones again (see VolumeEngine.open).
 */
import { addState, DIGEST_LANES, prefixOf, removeState, type ObjectState } from '#storage-node/protocol';
import type { IndexChange, IndexStore } from '../index-store/index-store.ts';
import type { EntryTable } from './entry-table.ts';

export const SLICE_BITS = 18;
const SLICES = 2 ** SLICE_BITS;
const PAGE_BITS = 8;
const PAGE_SLICES = 2 ** PAGE_BITS;
const PAGE_LANES = PAGE_SLICES * DIGEST_LANES;
const DIGEST_PREFIX = 0x64; // d
/** Touched slices nearer to each other than this are counted in one scan. */
const NEIGHBOURS = 8;

export class SliceDigests {
  readonly #lanes = new Uint32Array(SLICES * DIGEST_LANES);
  /** Pages that differ from the index. */
  readonly #changed = new Uint8Array(SLICES / PAGE_SLICES);
  /** Sums of pages as they were last asked for, and which of them are that still: an idle device is asked for the same ones again and again. */
  readonly #pages = new Uint32Array((SLICES / PAGE_SLICES) * DIGEST_LANES);
  readonly #summed = new Uint8Array(SLICES / PAGE_SLICES);
  /** Slices that are being counted anew beside writers, and those of them that changed meanwhile. */
  #counting: { readonly slices: ReadonlySet<number>; readonly changed: Set<number> } | undefined;
  /** Pages that the index had when they were loaded; others are zeros there. */
  readonly #stored = new Set<number>();

  /** One state took the place of another. */
  change(keyText: string, before: ObjectState | undefined, after: ObjectState | undefined): void {
    const slice = prefixOf(keyText, SLICE_BITS);
    if (before !== undefined) removeState(this.#lanes, slice * DIGEST_LANES, keyText, before);
    if (after !== undefined) addState(this.#lanes, slice * DIGEST_LANES, keyText, after);
    this.#touch(slice);
    if (this.#counting?.slices.has(slice)) this.#counting.changed.add(slice);
  }

  /** Counts some slices anew while writes go on; answers those that changed meanwhile, and are as they were. `flush` is the table's. */
  async recountBeside(table: EntryTable, slices: ReadonlySet<number>, flush: () => Promise<void>): Promise<ReadonlySet<number>> {
    const counting = { slices, changed: new Set<number>() };
    this.#counting = counting;
    try {
      await flush();
      for (const slice of slices) {
        const sum = new Uint32Array(DIGEST_LANES);
        for await (const [keyText, entry] of table.range({ bits: SLICE_BITS, first: slice, count: 1 })) addState(sum, 0, keyText, entry);
        if (counting.changed.has(slice)) continue;
        this.#lanes.set(sum, slice * DIGEST_LANES);
        this.#touch(slice);
      }
      return counting.changed;
    } finally {
      this.#counting = undefined;
    }
  }

  /** The digest of the keys whose leading `bits` bits (at most SLICE_BITS) are `prefix`, written at byte `at` of `target`. */
  sum({ bits, prefix }: { bits: number; prefix: number }, target: Buffer, at: number): void {
    const byPage = SLICE_BITS - bits >= PAGE_BITS;
    const count = 2 ** (SLICE_BITS - bits - (byPage ? PAGE_BITS : 0));
    if (byPage) for (let page = prefix * count; page < (prefix + 1) * count; page++) if (this.#summed[page] === 0) this.#sumPage(page);
    const [low, high] = sumOf(byPage ? this.#pages : this.#lanes, prefix * count, count);
    target.writeUInt32LE(low, at);
    target.writeUInt32LE(high, at + 4);
  }

  /** What brings the index up to this moment; call `failed` where it could not be applied. */
  changes(): { changes: IndexChange[]; failed: () => void } {
    const pages: number[] = [];
    for (let page = this.#changed.indexOf(1); page !== -1; page = this.#changed.indexOf(1, page + 1)) pages.push(page);
    this.#changed.fill(0);
    const changes = pages.map((page) => ({ type: 'put' as const, key: pageKey(page), value: this.#encode(page) }));
    const failed = (): void => {
      for (const page of pages) this.#changed[page] = 1;
    };
    return { changes, failed };
  }

  async load(index: IndexStore): Promise<void> {
    this.#summed.fill(0);
    for await (const entries of index.range(Buffer.of(DIGEST_PREFIX), Buffer.of(DIGEST_PREFIX + 1))) {
      for (const [key, value] of entries) {
        const page = key.readUInt16BE(1);
        const at = page * PAGE_LANES;
        this.#stored.add(page);
        for (let lane = 0; lane < PAGE_LANES; lane++) this.#lanes[at + lane] = value.readUInt32LE(lane * 4);
      }
    }
  }

  /** Makes all digests anew from the entries; the table must have been flushed, and rest. */
  async recountAll(table: EntryTable): Promise<void> {
    this.#lanes.fill(0);
    this.#summed.fill(0);
    for (const page of this.#stored) this.#changed[page] = 1;
    for await (const [keyText, entry] of table.all()) this.change(keyText, undefined, entry);
  }

  /** Makes the digests of some slices anew. */
  async recount(table: EntryTable, slices: Iterable<number>): Promise<void> {
    const sorted = [...slices].sort((a, b) => a - b);
    for (let i = 0; i < sorted.length; ) {
      const from = sorted[i]!;
      let last = from;
      while (i < sorted.length && sorted[i]! <= last + NEIGHBOURS) last = sorted[i++]!;
      this.#lanes.fill(0, from * DIGEST_LANES, (last + 1) * DIGEST_LANES);
      for (let slice = from; slice <= last; slice++) this.#touch(slice);
      for await (const [keyText, entry] of table.range({ bits: SLICE_BITS, first: from, count: last + 1 - from })) {
        this.change(keyText, undefined, entry);
      }
    }
  }

  /** How many slices have other digests than counting the entries gives; the table must have been flushed, and rest. */
  async wrong(table: EntryTable): Promise<number> {
    const counted = new Map<number, Uint32Array>();
    for await (const [keyText, entry] of table.all()) {
      const slice = sliceOf(keyText);
      let sum = counted.get(slice);
      if (sum === undefined) counted.set(slice, (sum = new Uint32Array(DIGEST_LANES)));
      addState(sum, 0, keyText, entry);
    }
    let wrong = 0;
    for (const [slice, sum] of counted) {
      if (sum[0] !== this.#lanes[slice * DIGEST_LANES] || sum[1] !== this.#lanes[slice * DIGEST_LANES + 1]) wrong++;
    }
    for (let at = 0; at < this.#lanes.length; at += DIGEST_LANES) {
      if ((this.#lanes[at] !== 0 || this.#lanes[at + 1] !== 0) && !counted.has(at / DIGEST_LANES)) wrong++;
    }
    return wrong;
  }

  #touch(slice: number): void {
    this.#changed[slice >>> PAGE_BITS] = 1;
    this.#summed[slice >>> PAGE_BITS] = 0;
  }

  #sumPage(page: number): void {
    this.#pages.set(sumOf(this.#lanes, page * PAGE_SLICES, PAGE_SLICES), page * DIGEST_LANES);
    this.#summed[page] = 1;
  }

  #encode(page: number): Buffer {
    // Lanes stand in memory as they do in the page: little end first, on every machine that Node runs on.
    return Buffer.copyBytesFrom(this.#lanes, page * PAGE_LANES, PAGE_LANES);
  }
}

/** Of `count` digests from the `first` one on. */
function sumOf(lanes: Uint32Array, first: number, count: number): [number, number] {
  let low = 0;
  let high = 0;
  for (let lane = first * DIGEST_LANES; lane < (first + count) * DIGEST_LANES; lane += DIGEST_LANES) {
    low = (low + lanes[lane]!) >>> 0;
    high = (high + lanes[lane + 1]!) >>> 0;
  }
  return [low, high];
}

export function sliceOf(keyText: string): number {
  return prefixOf(keyText, SLICE_BITS);
}

function pageKey(page: number): Buffer {
  return Buffer.of(DIGEST_PREFIX, page >>> 8, page & 0xff);
}
