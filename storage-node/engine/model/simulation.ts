/**
 * One random life of a device on the simulated disk, compared with the memory engine at every step: writes at once,
 * streams, posts, deletes, compaction, checkpoints, disk errors, a full disk, rot, crashes in the middle of any call, a
 * dropped index. A seed is a life: the same one always fails the same way.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { isStoreError, ManualClock, NEVER, type Timestamp } from '#common';
import type { Key, Metadata, Prepared, WriteReceipt } from '#storage-node/protocol';
import { SeededRandom } from '../files/random.ts';
import { SimulatedDisk } from '../files/simulated-disk.ts';
import { MemoryObjectEngine } from '../memory/memory-engine.ts';
import type { VolumeSettings } from '../volume/settings.ts';
import type { VolumeEngine } from '../volume/volume-engine.ts';
import { damagedIsNothing, describe, etagOf, KeyHistory, MAX_UNCERTAIN, sameState, sameVersion, type Operation, type Version } from './expectation.ts';
import { SimulatedMachine, type Plant } from './simulated-machine.ts';

const START = 170_000_000_000_000;
const RECLAIM_MS = 60_000;
/** Older than whatever happens. */
const FIRST = 1 as Timestamp;

interface Subject {
  readonly name: string;
  readonly key: Key;
  readonly history: KeyHistory;
}

interface Outcome {
  readonly subject: Subject;
  readonly operation: Operation;
  readonly result: WriteReceipt | Prepared | Error;
}

export class Simulation {
  readonly #random: SeededRandom;
  readonly #machine: SimulatedMachine;
  readonly #clock = new ManualClock(START / 100);
  readonly #subjects: Subject[];
  readonly #settings: Partial<VolumeSettings>;
  readonly #reclaims: boolean;
  #model = new MemoryObjectEngine({ clock: this.#clock });
  #ticks = START;
  readonly trace: string[] = [];

  constructor(seed: number, plant: Plant = 'none') {
    const random = new SeededRandom(seed);
    this.#random = random;
    const disk = new SimulatedDisk(new SeededRandom(random.below(2 ** 32)));
    this.#machine = new SimulatedMachine({ random, clock: this.#clock, plant, note: (line) => this.#note(line) }, disk);
    this.#subjects = Array.from({ length: 1 + random.below(7) }, (_, i) => ({ name: `/a/c/${i}`, key: createHash('md5').update(`/a/c/${i}`).digest(), history: new KeyHistory() }));
    this.#reclaims = random.oneIn(3);
    this.#settings = {
      volumeBytes: random.pick([12 << 10, 24 << 10, 64 << 10]),
      bigBytes: 4 << 10, inlineReadBytes: 2 << 10, syncWriteBytes: 2 << 10, groupBytes: 8 << 10, groupWrites: 5, gatherUs: 0,
      checkpointBytes: random.pick([4 << 10, 16 << 10, 1 << 30]), flushEntries: random.pick([1, 4, 1000]), writeBehindBytes: 4 << 10,
      reclaimAgeMs: this.#reclaims ? RECLAIM_MS : 1e12, writeAmplification: 3, minGarbage: 0.1, reserveBytes: 0,
    };
  }

  async run(steps: number): Promise<void> {
    await this.#machine.open(this.#settings);
    for (let step = 0; step < steps; step++) {
      this.#clock.wind(this.#random.below(30_000));
      await this.#step();
      if (this.#machine.disk.crashed || this.#subjects.some(({ history }) => history.uncertain > MAX_UNCERTAIN)) await this.#crash();
    }
    this.#machine.calm();
    await this.#crash();
    await this.#verifyAll();
    await this.#rebuild();
  }

  get #engine(): VolumeEngine {
    return this.#machine.engine;
  }

  async #step(): Promise<void> {
    const choice = this.#random.below(100);
    if (choice < 50) return this.#burst();
    if (choice < 62) return this.#verify(this.#random.pick(this.#subjects as [Subject]));
    if (choice < 69) return this.#compact();
    if (choice < 73) return this.#attempt('checkpoint', () => this.#engine.checkpoint());
    if (choice < 78) return this.#settle();
    if (choice < 86) return this.#crash();
    if (choice < 90) return this.#machine.crashSoon();
    if (choice < 93) return this.#close();
    if (choice < 95) return this.#machine.makeFaulty();
    if (choice < 97) return this.#machine.fill();
    if (choice < 98) return this.#machine.rot();
    return this.#machine.calm();
  }

  /** Some writes at once. Streams of a burst have keys of their own: their place in the log is not known from outside. */
  async #burst(): Promise<void> {
    const outcomes: Outcome[] = [];
    const streaming = new Set<Subject>();
    const writing: Promise<void>[] = [];
    for (let left = 1 + this.#random.below(6); left > 0; left--) {
      const subject = this.#random.pick(this.#subjects as [Subject]);
      if (streaming.has(subject)) continue;
      const operation = await this.#operation(subject);
      const stream = operation.kind === 'put' && (operation.data.length > 4 << 10 || this.#random.oneIn(3));
      if (stream && writing.length > 0 && outcomes.some((outcome) => outcome.subject === subject)) continue;
      if (stream && this.#inBurst.has(subject)) continue;
      if (stream) streaming.add(subject);
      this.#inBurst.add(subject);
      subject.history.attempts.push(operation);
      const done = (result: WriteReceipt | Prepared | Error): void => void outcomes.push({ subject, operation, result });
      writing.push((stream ? this.#stream(subject, operation) : this.#write(subject, operation)).then(done, done));
    }
    if (this.#random.oneIn(6) && !this.#reclaims) writing.push(this.#attempt('compact beside', () => this.#engine.compact()));
    await Promise.all(writing);
    this.#inBurst.clear();
    for (const outcome of outcomes) await this.#compare(outcome);
  }

  readonly #inBurst = new Set<Subject>();

  #write({ key, name }: Subject, operation: Operation): Promise<WriteReceipt | Prepared> {
    if (operation.kind === 'prepare') return this.#engine.prepare({ key, name, ...operation });
    if (operation.kind === 'put') return this.#engine.put({ key, name, ...operation });
    if (operation.kind === 'post') return this.#engine.post({ key, name, ...operation });
    return this.#engine.delete({ key, name, ...operation });
  }

  async #stream({ key, name }: Subject, operation: Operation): Promise<WriteReceipt> {
    assert(operation.kind === 'put');
    const { data, timestamp, metadata } = operation;
    const writer = await this.#engine.create({ key, name, timestamp, sizeHint: this.#random.oneIn(2) ? data.length : undefined });
    try {
      for (let at = 0; at < data.length; at += 3000) await writer.write(data.subarray(at, at + 3000));
    } catch (error) {
      await writer.abort();
      throw error;
    }
    if (this.#random.oneIn(5)) {
      await writer.abort();
      throw new Error('aborted by the client');
    }
    return writer.commit(metadata);
  }

  /** A random operation; mostly newer than all before it, sometimes older, sometimes a retry or a tie. */
  async #operation({ key, history }: Subject): Promise<Operation> {
    const random = this.#random;
    const retried = history.attempts[random.below(history.attempts.length + 1)];
    if (retried !== undefined && retried.kind !== 'prepare' && random.oneIn(10)) return retried;
    const held = await this.#model.stat(key).catch(damagedIsNothing);
    let timestamp = ++this.#ticks as Timestamp;
    if (random.oneIn(6)) timestamp = (timestamp - random.below(20)) as Timestamp;
    if (held !== undefined && random.oneIn(12)) timestamp = held.timestamp;
    const kind = random.below(10);
    // Promises go with age, and the model's do not.
    if (!this.#reclaims && random.oneIn(12)) return { kind: 'prepare', timestamp };
    if (kind < 2) return { kind: 'delete', timestamp };
    if (kind < 4) return { kind: 'post', timestamp, base: held?.timestamp ?? NEVER, metadata: { ETag: 'posted', At: String(random.below(1000)) } };
    const data = Buffer.alloc(random.oneIn(40) ? 70_000 : random.pick([0, 10, 300, 700, 1500, 3000, 5000, 9000]), `${this.#ticks}.${random.below(1000)} `);
    return { kind: 'put', timestamp, metadata: { ETag: etagOf(data) }, data };
  }

  /** Tells the model what the engine did, and compares what they say of it. */
  async #compare({ subject, operation, result }: Outcome): Promise<void> {
    const { key, name, history } = subject;
    this.#note(`${operation.kind} ${name} at ${operation.timestamp % 1e6}: ${result instanceof Error ? result.message : result.outcome}`);
    if (result instanceof Error) {
      this.#machine.expectFault(result);
      history.add(operation, false);
      return;
    }
    if (!('durability' in result)) return this.#comparePrepared(subject, operation, result);
    if (this.#machine.lenient) return void history.add(operation, result.outcome === 'committed');
    const expected = await this.#modelWrite(subject, operation);
    if (this.#machine.rotted && (result.outcome !== expected.outcome || !sameState(result.previous, expected.previous))) {
      // The record in force may have been found damaged in the meantime: then the engine rightly takes what is as new, or newer.
      this.#model.damage(key);
      const anew = await this.#modelWrite(subject, operation);
      assert.deepEqual(result.state, anew.state);
    } else {
      assert.deepEqual({ ...result, durability: undefined }, { ...expected, durability: undefined }, `${operation.kind} of ${name}`);
    }
    if (result.outcome === 'committed') history.add(operation, true);
  }

  async #comparePrepared({ key, name, history }: Subject, { timestamp }: Operation, result: Prepared): Promise<void> {
    if (!this.#machine.lenient) {
      const expected = await this.#model.prepare({ key, name, timestamp }).catch(damagedIsNothing);
      assert(expected !== undefined, `prepare of ${name} says what there is though it was damaged`);
      // The record in force may have been found damaged in the meantime, and forgotten.
      if (!this.#machine.rotted || sameState(result.state, expected.state)) assert.deepEqual(result, expected, `prepare of ${name}`);
    }
    history.add({ kind: 'prepare', timestamp }, result.outcome === 'promised');
  }

  #modelWrite({ key, name }: Subject, operation: Operation): Promise<WriteReceipt> {
    assert(operation.kind !== 'prepare');
    if (operation.kind === 'put') return this.#model.put({ key, name, ...operation });
    if (operation.kind === 'post') return this.#model.post({ key, name, ...operation });
    return this.#model.delete({ key, name, ...operation });
  }

  /** What the engine holds for a key, read in full; 'corrupt' where it says so. */
  async #read({ key, name }: Subject): Promise<Version | undefined | 'corrupt' | 'failed'> {
    try {
      const info = await this.#engine.info(key);
      await using reader = await this.#engine.open(key);
      if (info === undefined) return assert.equal(reader, undefined) as undefined;
      assert.equal(info.name, name);
      assert.equal(reader === undefined, info.deleted);
      const chunks: Buffer[] = [];
      for await (const chunk of reader?.read(0, info.sizeBytes) ?? []) chunks.push(chunk);
      const { timestamp, metaTimestamp, metadata } = info;
      return { timestamp, metaTimestamp, metadata, data: info.deleted ? undefined : Buffer.concat(chunks) };
    } catch (error) {
      if (isStoreError(error, 'corrupt')) return 'corrupt';
      if (!(error instanceof Error) || error instanceof assert.AssertionError) throw error;
      this.#machine.expectFault(error);
      return 'failed';
    }
  }

  async #verify(subject: Subject): Promise<void> {
    const held = await this.#read(subject);
    this.#note(`read ${subject.name}: ${typeof held === 'string' ? held : describe(held)}`);
    if (held === 'failed') return;
    if (held === 'corrupt') {
      assert(this.#machine.rotted, `${subject.name} is corrupt though nothing rotted`);
      // Where the disk also failed the note of it, the key is still there, and is found damaged again.
      const state = await this.#engine.stat(subject.key).catch(() => null);
      if (state !== null) return;
      this.#model.damage(subject.key);
      return subject.history.restart(undefined);
    }
    if (this.#machine.lenient) return this.#isSomeVersion(subject, held);
    const expected = await this.#expected(subject);
    if (held === undefined && (this.#machine.rotted || this.#isReclaimable(expected))) return this.#forgotten(subject);
    assert(sameVersion(held, expected), `${subject.name}: holds ${describe(held)}, should hold ${describe(expected)}`);
  }

  async #forgotten(subject: Subject): Promise<void> {
    this.#model.forget(subject.key);
    subject.history.restart(undefined);
  }

  #isReclaimable(version: Version | undefined): boolean {
    return this.#reclaims && version !== undefined && version.data === undefined && version.timestamp / 100 < this.#clock.nowMs() - RECLAIM_MS;
  }

  async #expected({ key }: Subject): Promise<Version | undefined> {
    const info = await this.#model.info(key).catch(damagedIsNothing);
    if (info === undefined) return undefined;
    const reader = await this.#model.open(key);
    return { timestamp: info.timestamp, metaTimestamp: info.metaTimestamp, metadata: info.metadata, data: reader?.data };
  }

  /** Whatever rot did: never bytes that nobody wrote. */
  #isSomeVersion({ name, history }: Subject, held: Version | undefined): void {
    if (held === undefined) return;
    const written = history.attempts.some((attempt) => attempt.timestamp === held.timestamp && (attempt.kind === 'put' ? held.data !== undefined && attempt.data.equals(held.data) : attempt.kind === 'delete' && held.data === undefined));
    assert(written, `${name}: holds ${describe(held)}, which nobody wrote`);
  }

  async #verifyAll(): Promise<void> {
    for (const subject of this.#subjects) await this.#verify(subject);
    assert.equal(await this.#engine.wrongDigests(), 0, 'digests');
    if (this.#machine.rotted) return;
    const list = async (engine: VolumeEngine | MemoryObjectEngine): Promise<string[]> => (await engine.pending({ olderThanMs: 0, limit: 100 })).map((row) => `${row.info.name} ${row.info.timestamp}`).sort();
    assert.deepEqual(await list(this.#engine), await list(this.#model), 'pending rows');
  }

  async #settle(): Promise<void> {
    const { key, name } = this.#random.pick(this.#subjects as [Subject]);
    const state = await this.#model.stat(key).catch(damagedIsNothing);
    if (state === undefined) return;
    this.#note(`settle ${name}`);
    this.#engine.settle(key, state.metaTimestamp);
    this.#model.settle(key, state.metaTimestamp);
  }

  async #compact(): Promise<void> {
    await this.#attempt('compact', () => this.#engine.compact());
    if (!this.#reclaims || this.#machine.lenient || this.#machine.disk.crashed) return;
    for (const subject of this.#subjects) {
      const expected = await this.#expected(subject);
      if (!this.#isReclaimable(expected)) continue;
      const state = await this.#engine.stat(subject.key).catch(() => null);
      if (state === undefined) await this.#forgotten(subject);
    }
  }

  async #attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      const done = await work();
      this.#note(`${what} ${JSON.stringify(done) ?? ''}`);
    } catch (error) {
      this.#note(`${what}: ${String(error)}`);
      this.#machine.expectFault(error as Error);
    }
  }

  /** The power fails; the device comes up again on what is left. */
  async #crash(): Promise<void> {
    await this.#machine.crash();
    await this.#machine.open();
    await this.#learn();
  }

  async #close(): Promise<void> {
    await this.#attempt('close', () => this.#machine.close());
    if (this.#machine.disk.crashed) return this.#crash();
    if (this.#random.oneIn(3)) this.#machine.index.drop();
    await this.#machine.open();
    await this.#learn();
  }

  /** After a reopen: what is held must be explained by what was written, and is what the model holds from now on. */
  async #learn(): Promise<void> {
    if (this.#machine.lenient) return this.#verifyAll();
    const { faults, capacityBytes } = this.#machine.disk;
    this.#machine.calm();
    assert.equal(await this.#engine.wrongDigests(), 0, 'digests after a reopen');
    const unsettled = new Set((await this.#model.pending({ olderThanMs: 0, limit: 100 })).map((row) => row.info.name));
    const model = new MemoryObjectEngine({ clock: this.#clock });
    const pending = new Set((await this.#engine.pending({ olderThanMs: 0, limit: 100 })).map((row) => row.info.name));
    for (const subject of this.#subjects) {
      const held = await this.#read(subject);
      if (typeof held === 'string') assert.fail(`${subject.name} is ${held} after a reopen`);
      const possible = subject.history.possibilities();
      const reclaimed = possible.some((version) => this.#isReclaimable(version)) && held === undefined;
      const unreclaimed = held !== undefined && this.#isReclaimable(held);
      assert(reclaimed || unreclaimed || possible.some((version) => sameVersion(version, held)), `${subject.name}: holds ${describe(held)}, may hold ${[...new Set(possible.map(describe))].join(' or ')}`);
      if (held !== undefined && unsettled.has(subject.name)) assert(pending.has(subject.name), `${subject.name} is no longer pending`);
      const promised = this.#reclaims ? NEVER : await this.#promised(subject);
      // Asking may be a write, and the power may have been about to fail.
      if (promised === undefined) return this.#crash();
      assert(this.#reclaims || subject.history.mayPromise(promised, held?.timestamp ?? NEVER), `${subject.name}: the promise is ${promised % 1e6}`);
      subject.history.restart(held);
      await this.#teach(model, subject, { held, promised });
      if (!pending.has(subject.name)) model.settle(subject.key, held?.metaTimestamp ?? NEVER);
    }
    this.#model = model;
    Object.assign(this.#machine.disk, { faults, capacityBytes });
  }

  /** The promise that stands: asking for one older than all says so. */
  async #promised({ key, name }: Subject): Promise<Timestamp | undefined> {
    try {
      const { promised } = await this.#engine.prepare({ key, name, timestamp: FIRST });
      return promised === FIRST ? NEVER : promised;
    } catch (error) {
      if (!this.#machine.disk.crashed) throw error;
      return undefined;
    }
  }

  async #teach(model: MemoryObjectEngine, { key, name }: Subject, { held, promised }: { held: Version | undefined; promised: Timestamp }): Promise<void> {
    if (held === undefined) return void (await model.prepare({ key, name, timestamp: promised === NEVER ? FIRST : promised }));
    const { timestamp, metaTimestamp, data, metadata } = held;
    const ETag = data === undefined ? '' : etagOf(data);
    if (data === undefined) await model.delete({ key, name, timestamp });
    else await model.put({ key, name, timestamp, data, metadata: metaTimestamp === timestamp ? metadata : { ETag } satisfies Metadata });
    await model.prepare({ key, name, timestamp: promised });
    if (metaTimestamp > timestamp) await model.post({ key, name, timestamp: metaTimestamp, base: timestamp, metadata });
  }

  /** The index rebuilt from the volumes alone says what the old one said. */
  async #rebuild(): Promise<void> {
    if (this.#machine.rotted) return;
    const states = async (): Promise<string[]> => {
      const all: string[] = [];
      for await (const { key, state } of this.#engine.everything()) all.push(`${key.toString('hex')} ${JSON.stringify(state)}`);
      return all;
    };
    const before = await states();
    await this.#machine.close();
    this.#machine.index.drop();
    await this.#machine.open();
    const rebuilt = await states();
    if (!this.#reclaims) assert.deepEqual(rebuilt, before, 'the rebuilt index');
    await this.#learn();
    await this.#machine.close();
  }

  #note(line: string): void {
    this.trace.push(line);
  }
}

/** Lives one life; throws with its seed and story where it went wrong. */
export async function simulate(seed: number, plant: Plant = 'none', steps = 30): Promise<void> {
  const simulation = new Simulation(seed, plant);
  try {
    await simulation.run(steps);
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}\n  ${simulation.trace.slice(-25).join('\n  ')}`, { cause: error });
  }
}
