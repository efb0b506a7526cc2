/**
 * Fenced devices: not served, not written, left out of the daemons' rounds. A device is fenced when its disk fails again and again, or when an operator says so, and stays
 * so, over restarts too, until an operator lets it back: a disk that works now and then does more harm than one that is gone. What is fenced stands in a file of the
 * node's own folder, since the disk in question may take no files.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { StoreError, type Clock, type Log } from '#common';

export interface Fence {
  readonly sinceMs: number;
  readonly reason: string;
}

/** So many errors of a disk within the window fence it. */
const MAX_ERRORS = 3;
const WINDOW_MS = 3_600_000;
const CODES: ReadonlySet<string> = new Set(['EIO', 'EROFS', 'ENXIO', 'ENODEV', 'EUCLEAN', 'ESTALE', 'ENOTCONN']);

export class Fences {
  readonly #file: string | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #fences: Map<string, Fence>;
  readonly #errors = new Map<string, number[]>();
  #saving = Promise.resolve();

  private constructor({ file, clock, log }: { file: string | undefined; clock: Clock; log: Log }, fences: Map<string, Fence>) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
    this.#fences = fences;
  }

  /** Without a file, fences end with the process. Throws `corrupt` where the file is damaged. */
  static async open(options: { file: string | undefined; clock: Clock; log: Log }): Promise<Fences> {
    return new Fences(options, options.file === undefined ? new Map<string, Fence>() : await readFences(options.file));
  }

  get(device: string): Fence | undefined {
    return this.#fences.get(device);
  }

  all(): Readonly<Record<string, Fence>> {
    return Object.fromEntries(this.#fences);
  }

  /** Throws `device-unavailable` where the device is fenced. */
  check(device: string): void {
    const fault = this.fault(device);
    if (fault !== undefined) throw fault;
  }

  fault(device: string): StoreError | undefined {
    const fence = this.#fences.size === 0 ? undefined : this.#fences.get(device);
    return fence && new StoreError('device-unavailable', `${device} is fenced: ${fence.reason}`);
  }

  /** Takes note of a failed call; fences the device where its disk has failed too often. */
  note(device: string, error: unknown): void {
    const code = diskErrorIn(error);
    if (code === undefined || this.#fences.has(device)) return;
    const nowMs = this.#clock.nowMs();
    const recent = [...(this.#errors.get(device) ?? []).filter((atMs) => atMs > nowMs - WINDOW_MS), nowMs];
    this.#errors.set(device, recent);
    if (recent.length >= MAX_ERRORS) void this.raise(device, `${recent.length} errors of its disk within an hour, the last ${code}`);
  }

  /** In force at once; resolves when it is written down. */
  raise(device: string, reason: string): Promise<void> {
    if (!this.#fences.has(device)) {
      this.#log.error({ device, reason }, 'a device is fenced until an operator lets it back (gori drive release)');
      this.#fences.set(device, { sinceMs: this.#clock.nowMs(), reason });
    }
    return this.#save();
  }

  release(device: string): Promise<void> {
    this.#fences.delete(device);
    this.#errors.delete(device);
    return this.#save();
  }

  #save(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return Promise.resolve();
    const saved = this.#saving.then(() => writeFences(file, this.all()));
    this.#saving = saved.catch((error: unknown) => this.#log.error({ err: error }, 'what is fenced could not be written down'));
    return saved;
  }
}

export async function readFences(file: string): Promise<Map<string, Fence>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new StoreError('corrupt', `${file} cannot be read`, { cause: error });
  }
  try {
    return new Map(Object.entries(JSON.parse(text) as Record<string, Fence>));
  } catch (error) {
    throw new StoreError('corrupt', `${file} is damaged; it says which devices are fenced`, { cause: error });
  }
}

export async function writeFences(file: string, fences: Readonly<Record<string, Fence>>): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(fences, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** The system's code where a disk failed; undefined for other faults, as a full disk. */
function diskErrorIn(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (code !== undefined && CODES.has(code)) return code;
    if (code === 'LEVEL_IO_ERROR') return code;
  }
  return undefined;
}
