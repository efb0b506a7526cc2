/**
 * Looks at a device that nobody has open, and changes nothing: every volume from frame to frame with all data against its checksums, big files, and the tables of the
 * index and of the databases against LevelDB's. What is damaged may have been overwritten since: whoever opens the device knows, and `repairDevice` has it looked at,
 * quarantines what is in force, puts back into the index what it lacks, and counts anew. The other replicas then have what is missing.
 */
import { crc32 } from 'node:zlib';
import { StoreError, type Clock } from '#common';
import { codeOf, readWhole, type File } from '../files/files.ts';
import { nodeFiles } from '../files/node-files.ts';
import { damagedTables } from '../index-store/tables.ts';
import { openListingEngine } from '../listing/level/level-listing-engine.ts';
import { bigFileName } from '../volume/big-files.ts';
import { blockCount, dataHolds, RecordType, type RecordHead } from '../volume/record.ts';
import { scanGroups } from '../volume/scan.ts';
import { DATA_OFFSET, decodeHeader, Volume, type VolumeHeader } from '../volume/volume.ts';
import { openDevice } from './device.ts';
import { systemProcesses, takeLock } from './lock.ts';

export interface DeviceCheck {
  readonly uuid: string | undefined;
  readonly volumes: number;
  readonly records: number;
  readonly bytes: number;
  /** One sentence each, at most MAX_FAULTS; `more` says how many others there are. */
  readonly faults: readonly string[];
  readonly more: number;
  /** No fault: what a process that ended badly leaves, and the next that opens the device puts right. */
  readonly notes: readonly string[];
}

export interface DeviceRepair {
  readonly quarantined: number;
  readonly indexed: number;
  readonly databasesMended: number;
  readonly rebuilt: readonly string[];
}

const MAX_FAULTS = 100;
const BLOCK_BYTES = 64 << 10;
const STEP_BYTES = 64 << 20;
const files = nodeFiles;

/** Throws `device-locked` where a process has it, `device-unavailable` where the folder is no device or cannot be read. */
export async function checkDevice(directory: string, clock: Clock): Promise<DeviceCheck> {
  const identity = await unavailable(directory, async () => readWhole(files, `${directory}/DEVICE.json`));
  if (identity === undefined) throw new StoreError('device-unavailable', `${directory} is no device: it has no DEVICE.json`);
  const unlock = await takeLock({ directory, files, clock, processes: systemProcesses });
  try {
    const check = new Check(directory);
    return await unavailable(directory, () => check.run(identity));
  } finally {
    await unlock();
  }
}

/** Throws as `checkDevice` does. */
export async function repairDevice(directory: string, clock: Clock): Promise<DeviceRepair> {
  const repair = { quarantined: 0, indexed: 0, databasesMended: 0, rebuilt: [] as string[] };
  await using device = await openDevice({ directory, clock, report: ({ event, detail }) => void (event === 'index-rebuilt' && repair.rebuilt.push(String(detail['directory']))) });
  for (const policy of device.policies) {
    for (let done = false; !done; ) {
      const step = await device.objects(policy).audit(STEP_BYTES);
      repair.quarantined += step.damaged;
      repair.indexed += step.unindexed;
      done = step.done;
    }
  }
  const listings = await openListingEngine({ directory: `${directory}/listings`, clock });
  try {
    for (let done = false; !done; ) {
      const step = await listings.audit();
      repair.databasesMended += Number(step.wrong);
      done = step.done;
      await listings.mended();
    }
  } finally {
    await listings.close();
  }
  return repair;
}

class Check {
  readonly #directory: string;
  readonly #faults: string[] = [];
  readonly #notes: string[] = [];
  #more = 0;
  #volumes = 0;
  #records = 0;
  #bytes = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async run(identity: Buffer): Promise<DeviceCheck> {
    const uuid = uuidIn(identity);
    if (uuid === undefined) this.#fault('DEVICE.json is damaged');
    for (const policy of files.list(this.#directory).filter((name) => /^\d{1,4}$/.test(name)).sort((a, b) => Number(a) - Number(b))) {
      await this.#policy(`${this.#directory}/${policy}`, policy);
      await this.#tables(`${this.#directory}/${policy}/index`, `the index of policy ${policy}`);
    }
    await this.#tables(`${this.#directory}/listings`, 'the account and container databases');
    return { uuid, volumes: this.#volumes, records: this.#records, bytes: this.#bytes, faults: this.#faults, more: this.#more, notes: this.#notes };
  }

  #fault(text: string): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(text);
    else this.#more++;
  }

  async #tables(directory: string, what: string): Promise<void> {
    for (const name of await damagedTables(directory)) this.#fault(`${what}: table ${name} is damaged`);
    const names = listIn(directory);
    if (names.length > 0 && !names.includes('closed')) this.#notes.push(`${what} were not closed in order`);
  }

  async #policy(directory: string, policy: string): Promise<void> {
    const names = listIn(`${directory}/vol`).filter((name) => /^\d{8}\.v$/.test(name)).sort();
    const headers = new Map<string, VolumeHeader>();
    for (const name of names) {
      const header = this.#header(`${directory}/vol/${name}`);
      if (header !== undefined) headers.set(name, header);
      else if (name !== names.at(-1)) this.#fault(`policy ${policy}, volume ${name}: both copies of the header are damaged`);
    }
    const ends = new Map([...headers.values()].flatMap(({ ends: known }) => known));
    for (const [name, header] of headers) await this.#volume({ directory, policy, name, header, end: ends.get(header.number), isNewest: name === names.at(-1) });
  }

  #header(path: string): VolumeHeader | undefined {
    const file = files.open(path, 'read');
    try {
      const pages = Buffer.alloc(DATA_OFFSET);
      return decodeHeader(pages.subarray(0, file.readSync(pages, 0)), crc32);
    } finally {
      file.close();
    }
  }

  async #volume({ directory, policy, name, header, end, isNewest }: { directory: string; policy: string; name: string; header: VolumeHeader; end: number | undefined; isNewest: boolean }): Promise<void> {
    const path = `${directory}/vol/${name}`;
    const file = files.open(path, 'read');
    this.#volumes++;
    try {
      const size = file.sizeBytes();
      const where = `policy ${policy}, volume ${name}`;
      if (end !== undefined && size < end) this.#fault(`${where}: it has ${size} bytes, and had ${end}`);
      const volume = new Volume(path, file, header, Math.max(DATA_OFFSET, Math.min(size, end ?? size)));
      let reached = DATA_OFFSET;
      for await (const { records, whole, end: groupEnd, last } of scanGroups(volume, DATA_OFFSET, { crc32, sealed: !isNewest })) {
        if (!whole && !(isNewest && last)) this.#fault(`${where}: the group that ends at ${groupEnd} is damaged`);
        for (const { head, location } of records) await this.#record({ directory, where, head, file, at: location.offset + head.headBytes });
        reached = groupEnd;
      }
      if (reached === volume.end) return;
      if (isNewest) this.#notes.push(`${where}: ${volume.end - reached} bytes of a write that was not finished follow the last group`);
      else this.#fault(`${where}: damaged behind ${reached}`);
    } finally {
      file.close();
    }
  }

  async #record({ directory, where, head, file, at }: { directory: string; where: string; head: RecordHead; file: File; at: number }): Promise<void> {
    this.#records++;
    const data = Buffer.allocUnsafe(head.dataBytes);
    const count = await file.read(data, at);
    this.#bytes += data.length;
    if (count < data.length || !dataHolds(data, { blocks: head.blocks, crc32 })) return this.#fault(`${where}: the data of ${JSON.stringify(head.name)} at ${at} are damaged`);
    if (head.type === RecordType.put && head.bigId !== 0) await this.#big(`${directory}/big/${bigFileName(head.key, head.bigId)}`, { head, table: data });
  }

  /** One that is not there was overwritten, or its loss is met when it is read: the index knows which. */
  async #big(path: string, { head, table }: { head: RecordHead; table: Buffer }): Promise<void> {
    let file: File;
    try {
      file = files.open(path, 'read');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    try {
      const block = Buffer.allocUnsafe(BLOCK_BYTES);
      for (let i = 0; i < blockCount(head.sizeBytes); i++) {
        const length = Math.min(BLOCK_BYTES, head.sizeBytes - i * BLOCK_BYTES);
        const count = await file.read(block.subarray(0, length), i * BLOCK_BYTES);
        this.#bytes += count;
        if (count === length && crc32(block.subarray(0, length)) === table.readUInt32LE(i * 4)) continue;
        return this.#fault(`${path}: block ${i} of ${JSON.stringify(head.name)} is damaged`);
      }
    } finally {
      file.close();
    }
  }
}

function uuidIn(identity: Buffer): string | undefined {
  try {
    const { uuid } = JSON.parse(identity.toString()) as { uuid?: unknown };
    return typeof uuid === 'string' ? uuid : undefined;
  } catch {
    return undefined;
  }
}

function listIn(directory: string): string[] {
  try {
    return files.list(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

async function unavailable<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('device-unavailable', `${directory}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
