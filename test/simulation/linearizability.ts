/**
 * Whether a history of one object could have been made by one register that does one thing at a time: the search of Wing and Gong (1993) with Lowe's
 * memory of configurations that led nowhere (2017). An operation without an answer may take effect at any moment after it was asked, or never.
 */
import type { Content, Operation } from './history.ts';

/** More configurations than this, and the answer is that nobody knows. */
const MAX_CONFIGURATIONS = 2_000_000;

export type Verdict = { readonly holds: true } | { readonly holds: false; readonly longest: readonly Operation[]; readonly stuck: readonly Operation[] } | { readonly holds: undefined };

/** What the register holds after the operation; 'impossible' where it cannot have answered so. */
function apply(content: Content | undefined, operation: Operation): Content | undefined | 'impossible' {
  const { kind, value, condition, outcome, seen } = operation;
  const met = condition === undefined || ('absent' in condition ? content === undefined : content === undefined ? condition.orAbsent === true : content.value === condition.match);
  if (outcome === 'failed') return met ? 'impossible' : content;
  if (outcome === 'missing') return content === undefined ? content : 'impossible';
  if (kind === 'read') return content !== undefined && seen !== undefined && content.value === seen.value && content.meta === seen.meta ? content : 'impossible';
  if (!met || (kind === 'post' && content === undefined)) return 'impossible';
  if (kind === 'delete') return undefined;
  if (kind === 'post') return { value: content!.value, meta: value! };
  return { value: value!, meta: value! };
}

/** `initial`: what the register holds before the first of the operations. */
export function checkRegister(operations: readonly Operation[], initial?: Content): Verdict {
  return new Search(operations, initial).run();
}

const isSame = (a: Content | undefined, b: Content | undefined): boolean => a?.value === b?.value && a?.meta === b?.meta;

class Search {
  readonly #operations: readonly Operation[];
  readonly #initial: Content | undefined;
  /** Operations without an answer, by what they do to whoever looks: of equal ones that may come next only the first need be tried. */
  readonly #alike: readonly (string | undefined)[];
  /** Configurations that led nowhere: by the register and the answered operations that are taken, the sets of unanswered ones that were used up then. */
  readonly #deadEnds = new Map<string, (readonly number[])[]>();
  /** Unanswered operations that are taken. */
  readonly #used = new Set<number>();
  readonly #taken: Uint8Array;
  readonly #order: number[] = [];
  #longest: number[] = [];
  #known: number;
  #configurations = 0;

  constructor(operations: readonly Operation[], initial: Content | undefined) {
    this.#initial = initial;
    // Reads without an answer say nothing.
    this.#operations = operations.filter(({ kind, outcome }) => kind !== 'read' || outcome !== 'unknown').sort((a, b) => a.invokedAt - b.invokedAt);
    this.#alike = alike(this.#operations);
    this.#taken = new Uint8Array(this.#operations.length);
    this.#known = this.#operations.filter(({ outcome }) => outcome !== 'unknown').length;
  }

  run(): Verdict {
    const holds = this.#extend(this.#initial, 0);
    if (holds === undefined) return { holds: undefined };
    if (holds) return { holds: true };
    const longest = this.#longest.map((i) => this.#operations[i]!);
    const rest = this.#operations.filter((operation) => !longest.includes(operation));
    const firstReturn = Math.min(...rest.map(({ returnedAt }) => returnedAt));
    return { holds: false, longest, stuck: rest.filter(({ invokedAt }) => invokedAt < firstReturn) };
  }

  /** `from`: all before it are taken, but for those without an answer. `useless`: what the register would hold had the last operation, one without an answer, not happened. */
  #extend(content: Content | undefined, from: number, useless?: { readonly content: Content | undefined }): boolean | undefined {
    if (this.#known === 0) return true;
    while (this.#taken[from] === 1 || this.#operations[from]!.outcome === 'unknown') from++;
    if (++this.#configurations > MAX_CONFIGURATIONS) return undefined;
    if (useless === undefined && this.#isDeadEnd(content, from)) return false;
    for (const i of this.#candidates(from)) {
      const operation = this.#operations[i]!;
      const after = apply(content, operation);
      if (after === 'impossible') continue;
      // One without an answer is needed for what comes right after it, or it may as well come later, or never.
      if (useless !== undefined) {
        const without = apply(useless.content, operation);
        if (without !== 'impossible' && (isSame(without, after) || isSame(after, content))) continue;
      }
      const known = operation.outcome !== 'unknown';
      if (!known && isSame(after, content)) continue;
      this.#take(i, known, 1);
      const holds = this.#extend(after, from, known ? undefined : { content });
      if (holds !== false) return holds;
      this.#take(i, known, 0);
    }
    return false;
  }

  #take(i: number, known: boolean, taken: 0 | 1): void {
    this.#taken[i] = taken;
    if (!known) this.#used[taken === 1 ? 'add' : 'delete'](i);
    if (known) this.#known += taken === 1 ? -1 : 1;
    if (taken === 0) return void this.#order.pop();
    this.#order.push(i);
    if (this.#order.length > this.#longest.length) this.#longest = [...this.#order];
  }

  /** What may come next: asked before anything that is not taken was answered. Those with answers first, by when that came. */
  #candidates(from: number): number[] {
    const found: number[] = [];
    const open = this.#open(from);
    const seen = new Set(open.map((i) => this.#alike[i]));
    let firstReturn = Infinity;
    for (let i = from; i < this.#operations.length; i++) {
      const { invokedAt, returnedAt } = this.#operations[i]!;
      if (invokedAt > firstReturn) break;
      if (this.#taken[i] === 1) continue;
      const kind = this.#alike[i];
      if (kind !== undefined && seen.size === seen.add(kind).size) continue;
      found.push(i);
      firstReturn = Math.min(firstReturn, returnedAt);
    }
    found.push(...open);
    return found.sort((a, b) => this.#operations[a]!.returnedAt - this.#operations[b]!.returnedAt || b - a);
  }

  /** Operations before `from` that are not taken: they have no answers. */
  #open(from: number): number[] {
    const open: number[] = [];
    const seen = new Set<string>();
    for (let i = 0; i < from; i++) {
      const kind = this.#alike[i];
      if (this.#taken[i] === 1 || (kind !== undefined && seen.size === seen.add(kind).size)) continue;
      open.push(i);
    }
    return open;
  }

  /**
   * Whether this led nowhere before, with no more unanswered operations used up: what cannot be explained with more of them left cannot be explained with
   * fewer. If not, it will have.
   */
  #isDeadEnd(content: Content | undefined, from: number): boolean {
    let id = `${from} ${content === undefined ? '' : `${content.value}/${content.meta}`}`;
    for (let i = from, last = Math.max(-1, ...this.#order); i <= last; i++) if (this.#taken[i] === 1 && this.#operations[i]!.outcome !== 'unknown') id += ` ${i}`;
    const before = this.#deadEnds.get(id);
    if (before?.some((used) => used.every((i) => this.#used.has(i)))) return true;
    if (before) before.push([...this.#used]);
    else this.#deadEnds.set(id, [[...this.#used]]);
    return false;
  }
}

/** Names what operations without an answer do, where several do the same: deletes, and puts of what nobody ever names. */
function alike(operations: readonly Operation[]): (string | undefined)[] {
  const named = new Set(operations.flatMap(({ seen, condition }) => [seen?.value, seen?.meta, condition !== undefined && 'match' in condition ? condition.match : undefined]));
  return operations.map(({ kind, value, condition, outcome }) => {
    if (outcome !== 'unknown' || condition !== undefined) return undefined;
    if (kind === 'delete') return 'delete';
    return kind === 'put' && !named.has(value) ? 'put' : undefined;
  });
}
