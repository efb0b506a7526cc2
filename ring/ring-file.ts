/**
 * Rings and builders on disk. Proxies and storage nodes read ring files (`object.ring`); only operators' tools read builder
 * files (`object.builder`), which also know what was asked for and when partitions moved. See sealed-file.ts for the frame;
 * the sections are one table of little-endian 16-bit device ids a replica, and in builders 32-bit seconds of the last move.
 */
import { AssertionError } from 'node:assert/strict';
import { endianness } from 'node:os';
import { z } from 'zod';
import { StoreError, type Clock } from '#common';
import { RingBuilder, type BuilderState } from './builder.ts';
import { MAX_PART_POWER, MIN_PART_POWER } from './hash-path.ts';
import { Ring } from './ring.ts';
import { readSealed, writeSealed, type FileKind } from './sealed-file.ts';

const RING: FileKind = { magic: 'GORIRING', version: 1, noun: 'ring' };
const BUILDER: FileKind = { magic: 'GORIBLDR', version: 1, noun: 'ring builder' };

const natural = z.int().min(0);
const deviceSchema = z.object({
  id: natural,
  region: natural,
  zone: natural,
  ip: z.string(),
  port: natural,
  replicationIp: z.string(),
  replicationPort: natural,
  device: z.string(),
  weight: z.number().min(0),
  meta: z.string(),
});
const ringSchema = z.object({
  partPower: z.int().min(MIN_PART_POWER).max(MAX_PART_POWER),
  nextPartPower: z.int().optional(),
  replicas: z.number().min(1),
  version: natural,
  devices: z.array(deviceSchema),
  /** How many tables follow. */
  tables: natural,
  /** How many tables of the assignment before follow these: some while partitions move. */
  previousTables: natural.optional(),
});
const builderSchema = ringSchema.extend({
  minPartHours: natural,
  overload: z.number().min(0),
  removed: z.array(natural),
  changed: z.boolean(),
});

export async function saveRing(path: string, ring: Ring): Promise<void> {
  const { partPower, nextPartPower, replicaCount, version, devices, assignments, previous } = ring;
  const present = devices.filter((device) => device !== undefined);
  const json: z.infer<typeof ringSchema> = { partPower, nextPartPower, replicas: replicaCount, version, devices: present, tables: assignments.length, previousTables: previous?.length };
  await writeSealed(path, RING, { json, sections: [...assignments, ...(previous ?? [])].map(toBytes) });
}

/** Throws `corrupt`, naming the file and its fault, or `unavailable` if it cannot be read. */
export async function loadRing(path: string): Promise<Ring> {
  const { json, sections } = await readSealed(path, RING);
  const header = parse(path, ringSchema, json);
  const { tables, previous, rest } = readAllTables(path, header, sections);
  if (rest.length > 0) throw new StoreError('corrupt', `${path}: ${rest.length} bytes follow the assignments`);
  const { partPower, nextPartPower, replicas, version } = header;
  try {
    return new Ring({ partPower, nextPartPower, replicaCount: replicas, version, devices: sparse(header.devices), assignments: tables, previous });
  } catch (cause) {
    // The ring states its invariants as assertions; broken in a file they are the file's fault.
    if (cause instanceof AssertionError) throw new StoreError('corrupt', `${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

export async function saveBuilder(path: string, builder: RingBuilder): Promise<void> {
  const { assignments, previous, lastMoved, devices, ...rest } = builder.state;
  const json: z.infer<typeof builderSchema> = { ...rest, nextPartPower: rest.nextPartPower, removed: [...rest.removed], devices: devices.filter((device) => device !== undefined), tables: assignments.length, previousTables: previous?.length };
  await writeSealed(path, BUILDER, { json, sections: [...[...assignments, ...(previous ?? [])].map(toBytes), toBytes(lastMoved)] });
}

/** Throws as loadRing does. */
export async function loadBuilder(path: string, clock: Clock): Promise<RingBuilder> {
  const { json, sections } = await readSealed(path, BUILDER);
  const { tables: count, previousTables, devices, ...header } = parse(path, builderSchema, json);
  const { tables, previous, rest } = readAllTables(path, { partPower: header.partPower, tables: count, previousTables }, sections);
  const expected = count === 0 ? 0 : 4 * 2 ** header.partPower;
  if (rest.length !== expected) throw new StoreError('corrupt', `${path}: ${rest.length} bytes say when partitions moved, not ${expected}`);
  const bytes = new Uint8Array(rest);
  if (!LITTLE_ENDIAN) Buffer.from(bytes.buffer).swap32();
  const state: BuilderState = { ...header, devices: sparse(devices), assignments: tables, previous, lastMoved: new Uint32Array(bytes.buffer) };
  return RingBuilder.fromState(state, clock);
}

function parse<T>(path: string, schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (!result.success) throw new StoreError('corrupt', `${path}: its description is wrong: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** Devices by id. */
function sparse<Device extends { id: number }>(devices: readonly Device[]): (Device | undefined)[] {
  const length = devices.reduce((end, device) => Math.max(end, device.id + 1), 0);
  const byId = Array.from<Device | undefined>({ length }).fill(undefined);
  for (const device of devices) byId[device.id] = device;
  return byId;
}

const LITTLE_ENDIAN = endianness() === 'LE';

function toBytes(table: Uint16Array | Uint32Array): Buffer {
  const bytes = Buffer.from(table.buffer, table.byteOffset, table.byteLength);
  if (LITTLE_ENDIAN) return bytes;
  return table.BYTES_PER_ELEMENT === 2 ? Buffer.from(bytes).swap16() : Buffer.from(bytes).swap32();
}

/** Both assignments, where the file has two. */
function readAllTables(path: string, { partPower, tables: count, previousTables }: { partPower: number; tables: number; previousTables?: number | undefined }, sections: Buffer): { tables: Uint16Array[]; previous: Uint16Array[] | undefined; rest: Buffer } {
  const { tables, rest } = readTables(path, { partPower, tables: count }, sections);
  if (previousTables === undefined) return { tables, previous: undefined, rest };
  const before = readTables(path, { partPower, tables: previousTables }, rest);
  return { tables, previous: before.tables, rest: before.rest };
}

function readTables(path: string, { partPower, tables }: { partPower: number; tables: number }, sections: Buffer): { tables: Uint16Array[]; rest: Buffer } {
  const tableBytes = 2 * 2 ** partPower;
  if (sections.length < tables * tableBytes) throw new StoreError('corrupt', `${path}: ${sections.length} bytes do not hold ${tables} tables of ${tableBytes}`);
  const found = Array.from({ length: tables }, (_, at) => {
    // A copy, because a typed array must begin at a multiple of its element's size.
    const bytes = new Uint8Array(sections.subarray(at * tableBytes, (at + 1) * tableBytes));
    if (!LITTLE_ENDIAN) Buffer.from(bytes.buffer).swap16();
    return new Uint16Array(bytes.buffer);
  });
  return { tables: found, rest: sections.subarray(tables * tableBytes) };
}
