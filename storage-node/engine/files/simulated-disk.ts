/**
 * A disk in memory that behaves as badly as POSIX lets it. What was not synced when it crashes survives or not, sector by
 * sector (512 bytes) and name by name, in any order; a failed sync leaves pages that look written and are not on the
 * platter, and the next sync says all is well; reads and writes fail, space runs out, bits rot. All by a seed.
 */
import type { File, Files, OpenMode } from './files.ts';
import type { SeededRandom } from './random.ts';

const SECTOR = 512;

interface Write {
  readonly position: number;
  readonly data: Buffer;
}

class Inode {
  /** What programs see. */
  current = Buffer.alloc(0);
  /** What is on the platter. */
  durable = Buffer.alloc(0);
  unsynced: Write[] = [];
}

/** What may go wrong, each once in so many calls; 0 is never. */
export interface Faults {
  writeErrorOneIn: number;
  syncErrorOneIn: number;
  readErrorOneIn: number;
}

export const NO_FAULTS: Faults = { writeErrorOneIn: 0, syncErrorOneIn: 0, readErrorOneIn: 0 };

function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what} (simulated)`), { code });
}

export class SimulatedDisk {
  readonly random: SeededRandom;
  /** Names as programs see them, and as they are on the platter. */
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #unsyncedNames = new Set<string>();
  /** Grows at each crash: handles of a process that died do nothing more. */
  #life = 0;
  #callsToCrash = Infinity;
  crashed = false;
  faults: Faults = NO_FAULTS;
  /** Bytes all files together may take. */
  capacityBytes = Infinity;
  /** A planted fault for tests of the tests: sync answers without syncing. */
  lyingSync = false;
  /** Another: sync answers first, and syncs then. */
  lateSync = false;
  /** Reads that need not be answered at once take turns of the process's loop, long ones more: what fails meanwhile, and nobody waits for, is found out. */
  slowReads = false;
  /** How long a sync takes, where a simulation has a time of its own. */
  latency: (() => Promise<void>) | undefined;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  /** The power fails in the middle of the n-th changing call from now. */
  crashIn(calls: number): void {
    this.#callsToCrash = calls;
  }

  /** The power fails now. */
  crashNow(): void {
    this.crashed = true;
  }

  /** Names the process that may use the disk: handles of others are dead. */
  get life(): number {
    return this.#life;
  }

  /** The process ends, at once, and the machine goes on: what it wrote is there, synced or not. */
  kill(): void {
    this.#life++;
    this.#callsToCrash = Infinity;
  }

  /** The machine comes up again: what was not synced is there in part, handles of before are dead. */
  reboot(): void {
    this.#life++;
    this.#callsToCrash = Infinity;
    this.crashed = false;
    for (const path of this.#unsyncedNames) {
      if (this.random.oneIn(2)) this.#persistName(path);
    }
    this.#unsyncedNames.clear();
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) this.#tear(inode);
  }

  /** Flips one bit somewhere in a file whose path ends so; answers the path and byte, or undefined where none has bytes. */
  rot(pathPart: string): { path: string; position: number } | undefined {
    const paths = this.paths(pathPart).filter((path) => (this.#names.get(path)?.durable.length ?? 0) > 0);
    const path = paths[this.random.below(paths.length)];
    const inode = path === undefined ? undefined : this.#names.get(path);
    if (path === undefined || inode === undefined) return undefined;
    const position = this.random.below(inode.durable.length);
    const bit = 1 << this.random.below(8);
    for (const copy of [inode.durable, inode.current]) {
      if (position < copy.length) copy[position] = (copy[position] ?? 0) ^ bit;
    }
    return { path, position };
  }

  paths(part: string): string[] {
    return [...this.#names.keys()].filter((path) => path.includes(part)).sort();
  }

  usedBytes(): number {
    let sum = 0;
    for (const inode of this.#names.values()) sum += inode.current.length;
    return sum;
  }

  /** Files as one process of this life sees them. */
  files(): Files {
    const life = this.#life;
    return {
      open: (path, mode) => new SimulatedFile(this, life, this.#open(life, path, mode)),
      makeDirectory: () => {},
      list: (path) => {
        this.check(life, 'read');
        return [...this.#names.keys()].filter((name) => name.startsWith(`${path}/`) && !name.slice(path.length + 1).includes('/')).map((name) => name.slice(path.length + 1));
      },
      rename: (from, to) => {
        const inode = this.#names.get(from);
        if (!inode) throw systemError('ENOENT', from);
        this.change(life);
        this.#names.set(to, inode);
        this.#names.delete(from);
        this.#unsyncedNames.add(from).add(to);
      },
      link: (from, to) => {
        const inode = this.#names.get(from);
        if (!inode) throw systemError('ENOENT', from);
        if (this.#names.has(to)) throw systemError('EEXIST', to);
        this.change(life);
        this.#names.set(to, inode);
        this.#unsyncedNames.add(to);
      },
      unlink: async (path) => {
        if (!this.#names.has(path)) return;
        this.change(life);
        this.#names.delete(path);
        this.#unsyncedNames.add(path);
      },
      syncDirectory: async (path) => {
        this.change(life);
        if (this.faults.syncErrorOneIn > 0 && this.random.oneIn(this.faults.syncErrorOneIn)) throw systemError('EIO', `fsync ${path}`);
        if (this.lyingSync) return;
        for (const name of [...this.#unsyncedNames]) {
          if (name.startsWith(`${path}/`)) this.#persistName(name);
        }
      },
      freeBytes: () => this.capacityBytes - this.usedBytes(),
    };
  }

  #open(life: number, path: string, mode: OpenMode): Inode {
    this.check(life, 'read');
    const found = this.#names.get(path);
    if (mode !== 'create' && mode !== 'create-bulk') {
      if (!found) throw systemError('ENOENT', path);
      return found;
    }
    if (found) throw systemError('EEXIST', path);
    this.change(life);
    const inode = new Inode();
    this.#names.set(path, inode);
    this.#unsyncedNames.add(path);
    return inode;
  }

  #persistName(path: string): void {
    const inode = this.#names.get(path);
    if (inode) this.#durableNames.set(path, inode);
    else this.#durableNames.delete(path);
    this.#unsyncedNames.delete(path);
  }

  /** Fails a call of a dead process, or by chance. */
  check(life: number, call: 'read' | 'write' | 'sync'): void {
    if (this.crashed || life !== this.#life) throw systemError('EIO', 'the machine is down');
    const odds = { read: this.faults.readErrorOneIn, write: this.faults.writeErrorOneIn, sync: this.faults.syncErrorOneIn }[call];
    if (odds > 0 && call === 'read' && this.random.oneIn(odds)) throw systemError('EIO', call);
  }

  /** Counts a changing call; the power may fail in it. */
  change(life: number): void {
    this.check(life, 'write');
    if (--this.#callsToCrash > 0) return;
    this.crashed = true;
    throw systemError('EIO', 'the power failed');
  }

  write(life: number, inode: Inode, buffers: readonly Buffer[], position: number): void {
    this.check(life, 'write');
    const data = Buffer.concat(buffers);
    const room = this.capacityBytes - this.usedBytes();
    const growth = Math.max(0, position + data.length - inode.current.length);
    const error = growth > room ? 'ENOSPC' : this.faults.writeErrorOneIn > 0 && this.random.oneIn(this.faults.writeErrorOneIn) ? 'EIO' : '';
    const failing = error !== '' || this.#callsToCrash <= 1;
    const length = failing ? Math.min(this.random.below(data.length + 1), Math.max(0, data.length - growth + room)) : data.length;
    store(inode, { position, data: data.subarray(0, length) });
    this.change(life);
    if (error !== '') throw systemError(error, 'write');
  }

  sync(life: number, inode: Inode): void {
    if (this.#callsToCrash <= 1) this.#tearOnly(inode);
    this.change(life);
    if (this.faults.syncErrorOneIn > 0 && this.random.oneIn(this.faults.syncErrorOneIn)) {
      this.#tearOnly(inode);
      throw systemError('EIO', 'fdatasync');
    }
    if (this.lyingSync) return;
    // Only what is dirty: pages of a sync that failed count as clean, and stay off the platter.
    for (const { position, data } of inode.unsynced) inode.durable = patched(inode.durable, position, data);
    inode.unsynced = [];
  }

  /** Some of the unsynced sectors reach the platter; programs still see them all, and no later sync writes the others. */
  #tearOnly(inode: Inode): void {
    const seen = inode.current;
    this.#tear(inode);
    inode.current = seen;
  }

  #tear(inode: Inode): void {
    const { random } = this;
    const keep = random.pick([0, 0.5, 0.9, 1]);
    let platter = inode.durable;
    for (const { position, data } of inode.unsynced) {
      const inOrder = random.oneIn(2);
      for (let at = position; at < position + data.length; ) {
        const end = Math.min(position + data.length, (Math.floor(at / SECTOR) + 1) * SECTOR);
        if (random.below(1000) < keep * 1000) platter = patched(platter, at, data.subarray(at - position, end - position));
        else if (inOrder) break;
        at = end;
      }
    }
    // The length in the inode may have been written though the sectors were not: they read as zeros.
    if (inode.current.length > platter.length && random.oneIn(3)) platter = Buffer.concat([platter, Buffer.alloc(inode.current.length - platter.length)]);
    inode.durable = Buffer.from(platter);
    inode.current = Buffer.from(platter);
    inode.unsynced = [];
  }
}

function store(inode: Inode, write: Write): void {
  inode.unsynced.push(write);
  inode.current = patched(inode.current, write.position, write.data);
}

function patched(content: Buffer, position: number, data: Buffer): Buffer<ArrayBuffer> {
  const result = Buffer.alloc(Math.max(content.length, position + data.length));
  content.copy(result);
  data.copy(result, position);
  return result;
}

class SimulatedFile implements File {
  readonly #disk: SimulatedDisk;
  readonly #life: number;
  readonly #inode: Inode;

  constructor(disk: SimulatedDisk, life: number, inode: Inode) {
    this.#disk = disk;
    this.#life = life;
    this.#inode = inode;
  }

  readSync(buffer: Buffer, position: number): number {
    this.#disk.check(this.#life, 'read');
    return position >= this.#inode.current.length ? 0 : this.#inode.current.copy(buffer, 0, position);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    if (this.#disk.slowReads) for (let turns = 1 + (buffer.length >>> 14); turns > 0; turns--) await new Promise(setImmediate);
    return this.readSync(buffer, position);
  }

  writeSync(buffers: readonly Buffer[], position: number): void {
    this.#disk.write(this.#life, this.#inode, buffers, position);
  }

  async write(buffers: readonly Buffer[], position: number): Promise<void> {
    if (this.#disk.random.oneIn(4)) await new Promise(setImmediate);
    this.writeSync(buffers, position);
  }

  async sync(): Promise<void> {
    // A disk that takes its time: whoever does not wait for it is found out.
    while (this.#disk.random.oneIn(4)) await new Promise(setImmediate);
    if (this.#disk.lateSync) {
      void this.#disk.latency?.().then(() => this.#disk.sync(this.#life, this.#inode)).catch(() => undefined);
      return;
    }
    await this.#disk.latency?.();
    this.#disk.sync(this.#life, this.#inode);
  }

  sizeBytes(): number {
    return this.#inode.current.length;
  }

  close(): void {
    // Nothing is held open.
  }
}
