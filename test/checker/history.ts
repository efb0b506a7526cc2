/**
 * What one key may hold, by all that was asked and answered of it: the oracle. A write whose answer came is in force from
 * then on, until a later one; of writes that overlap in time any may be the last; one that was cut may have happened, once, or not.
 * What a read has seen is settled: what was overtaken then never comes back.
 *
 * Moments are numbers that only grow, one for each event in the checker's process. These are the necessary conditions of
 * a linearizable register (Herlihy and Wing, 1990), checked as the reads come, not a search over all orders.
 */
import type { Content } from './body.ts';

/** How a write ended: done; surely without effect; answered with a fault, or never answered: nobody knows. */
export type Ending = 'done' | 'nothing' | 'failed' | 'cut';

interface WriteBase {
  /** Unique; data and metadata writes carry it in the metadata they set. */
  readonly id: string;
  readonly startedAt: number;
  /** It has taken effect by then; Infinity where nobody knows whether it has. */
  doneAt: number;
  /** It takes no more effect after writes that begin later. */
  overAt: number;
  /** A read that ended then showed that something later had replaced it; Infinity where none did. */
  replacedAt: number;
  /** Its answer never came or was a fault; so its row in the listing may come later. */
  uncertain: boolean;
}

export interface DataWrite extends WriteBase {
  /** What it may have written, by MD5; undefined for a delete. */
  contents: ReadonlyMap<string, Content> | undefined;
  /** A read that ended then saw it with the metadata of a later POST. */
  postedAt?: number;
}

/** A POST: replaces all metadata of whatever data it finds. */
export type MetaWrite = WriteBase;

/** What a reader found. */
export interface Seen {
  readonly md5: string;
  /** The id of the write whose metadata is in force. */
  readonly writtenBy: string;
}

const NEVER: DataWrite = { id: 'never written', startedAt: -1, doneAt: -1, overAt: -1, replacedAt: Infinity, uncertain: false, contents: undefined };

export class KeyHistory {
  #data: DataWrite[] = [{ ...NEVER }];
  #metas: MetaWrite[] = [];
  #underWay = 0;

  beginData(id: string, contents: readonly Content[] | undefined, now: number): DataWrite {
    const write = { ...begun(id, now), contents: contents && new Map(contents.map((content) => [content.md5, content])) };
    this.#data.push(write);
    this.#underWay++;
    return write;
  }

  beginMeta(id: string, now: number): MetaWrite {
    const write = begun(id, now);
    this.#metas.push(write);
    this.#underWay++;
    return write;
  }

  end(write: DataWrite | MetaWrite, ending: Ending, now: number): void {
    this.#underWay--;
    if (ending === 'nothing') {
      this.#data = this.#data.filter((other) => other !== write);
      this.#metas = this.#metas.filter((other) => other !== write);
      return;
    }
    write.uncertain = ending !== 'done';
    if (ending === 'done') write.doneAt = now;
    if (ending !== 'cut') write.overAt = now;
  }

  /** The server of a write that was cut is dead: it takes no effect after what begins from now on. */
  bury(write: DataWrite | MetaWrite, now: number): void {
    write.overAt = Math.min(write.overAt, now);
  }

  /** Contents that a reader may have found since the last pruning, for a copy of this key. */
  contents(): Content[] {
    return this.#data.flatMap((write) => [...(write.contents?.values() ?? [])]);
  }

  /**
   * What a read between two moments found (undefined: no object): settles it, or answers why it cannot be. `by` is the write whose
   * answer told, and which does not explain itself.
   */
  observe(seen: Seen | undefined, from: number, to: number, by?: DataWrite): string | undefined {
    const matching = this.#data.filter((write) => write !== by && (seen === undefined ? write.contents === undefined : write.contents?.has(seen.md5) === true));
    const allowed = matching.filter((write) => write.startedAt < to && write.replacedAt > from && !this.#overtaken(this.#data, write, from));
    if (seen === undefined) {
      if (allowed.length === 0) return `is gone, though ${this.#reasons(from)}`;
      this.#settleData(allowed, from, to);
      return undefined;
    }
    if (matching.length === 0) return `holds bytes that nobody wrote there (MD5 ${seen.md5}, metadata of ${seen.writtenBy})`;
    const meta = this.#metas.find((write) => write.id === seen.writtenBy);
    const own = allowed.filter((write) => (meta === undefined ? write.id === seen.writtenBy && (write.postedAt ?? Infinity) > from && !this.#hasLaterMeta(write, from) : meta.overAt > write.startedAt));
    const metaHolds = meta === undefined || (meta.startedAt < to && meta.replacedAt > from && !this.#overtaken(this.#metas, meta, from));
    if (own.length === 0 || !metaHolds) {
      return `holds data of ${matching.map(({ id }) => id).join(' or ')} with metadata of ${seen.writtenBy}, though ${this.#reasons(from)}`;
    }
    this.#settleData(own, from, to);
    if (meta !== undefined && own.length === 1) own[0]!.postedAt ??= to;
    settle(this.#metas, meta === undefined ? [] : [meta], from, to);
    return undefined;
  }

  /** Whether the listing may still say something else than the object: the last write is one whose end nobody saw. */
  mayLag(seen: Seen | undefined): boolean {
    const writes = [...this.#data, ...this.#metas];
    if (writes.some((write) => write.uncertain && write.doneAt === Infinity && write.replacedAt === Infinity && !this.#overtaken(this.#data, write, Infinity))) return true;
    const last = seen === undefined ? this.#data.filter(({ contents }) => contents === undefined) : writes.filter(({ id }) => id === seen.writtenBy);
    return last.some(({ uncertain }) => uncertain);
  }

  /** Forgets what can matter no more; only where nothing is under way and no read is. */
  prune(): void {
    if (this.#underWay > 0) return;
    this.#data = this.#data.filter((write) => write.replacedAt === Infinity && !this.#overtaken(this.#data, write, Infinity));
    const oldest = Math.min(...this.#data.map(({ startedAt }) => startedAt));
    this.#metas = this.#metas.filter((write) => write.replacedAt === Infinity && write.overAt > oldest && !this.#overtaken(this.#metas, write, Infinity));
  }

  /** Another write began after `write` was over, and had taken effect by `moment`. */
  #overtaken(writes: readonly WriteBase[], write: WriteBase, moment: number): boolean {
    return writes.some((other) => other.startedAt > write.overAt && other.doneAt < moment);
  }

  /** A POST began when the data was surely there: where nobody knows since when it is, the POST may have been made for what was before. */
  #hasLaterMeta(data: DataWrite, moment: number): boolean {
    return this.#metas.some((meta) => meta.startedAt > data.doneAt && meta.doneAt < moment);
  }

  #settleData(shown: readonly DataWrite[], from: number, to: number): void {
    settle(this.#data, shown, from, to);
  }

  #reasons(moment: number): string {
    const known = [...this.#data, ...this.#metas].filter((write) => write.doneAt < moment && write.replacedAt > moment).sort((a, b) => b.startedAt - a.startedAt);
    return `${known[0]?.id ?? 'nothing'} was acknowledged`;
  }
}

function begun(id: string, now: number): WriteBase {
  return { id, startedAt: now, doneAt: Infinity, overAt: Infinity, replacedAt: Infinity, uncertain: false };
}

/** One of `shown` was in force at the read: what had taken effect before the read began is replaced by it; and it has happened, once. */
function settle(writes: readonly WriteBase[], shown: readonly WriteBase[], from: number, to: number): void {
  for (const write of writes) if (!shown.includes(write) && write.doneAt < from) write.replacedAt = Math.min(write.replacedAt, to);
  const [only, ...others] = shown;
  if (only === undefined || others.length > 0) return;
  only.doneAt = Math.min(only.doneAt, to);
  only.overAt = Math.min(only.overAt, to);
}
