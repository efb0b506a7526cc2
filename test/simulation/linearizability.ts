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
  const met = condition === undefined || ('absent' in condition ? content === undefined : content?.value === condition.match);
  if (outcome === 'failed') return met ? 'impossible' : content;
  if (outcome === 'missing') return content === undefined ? content : 'impossible';
  if (kind === 'read') return content !== undefined && seen !== undefined && content.value === seen.value && content.meta === seen.meta ? content : 'impossible';
  if (!met || (kind === 'post' && content === undefined)) return 'impossible';
  if (kind === 'delete') return undefined;
  if (kind === 'post') return { value: content!.value, meta: value! };
  return { value: value!, meta: value! };
}

export function checkRegister(operations: readonly Operation[]): Verdict {
  return new Search(operations).run();
}

class Search {
  readonly #operations: readonly Operation[];
  readonly #seen = new Set<string>();
  readonly #taken: Uint8Array;
  readonly #order: number[] = [];
  #longest: number[] = [];
  #known: number;
  #configurations = 0;

  constructor(operations: readonly Operation[]) {
    // Reads without an answer say nothing.
    this.#operations = operations.filter(({ kind, outcome }) => kind !== 'read' || outcome !== 'unknown').sort((a, b) => a.invokedAt - b.invokedAt);
    this.#taken = new Uint8Array(this.#operations.length);
    this.#known = this.#operations.filter(({ outcome }) => outcome !== 'unknown').length;
  }

  run(): Verdict {
    const holds = this.#extend(undefined, 0);
    if (holds === undefined) return { holds: undefined };
    if (holds) return { holds: true };
    const longest = this.#longest.map((i) => this.#operations[i]!);
    const rest = this.#operations.filter((operation) => !longest.includes(operation));
    const firstReturn = Math.min(...rest.map(({ returnedAt }) => returnedAt));
    return { holds: false, longest, stuck: rest.filter(({ invokedAt }) => invokedAt < firstReturn) };
  }

  /** `from`: all before it are taken, but for those without an answer. */
  #extend(content: Content | undefined, from: number): boolean | undefined {
    if (this.#known === 0) return true;
    while (this.#taken[from] === 1 || this.#operations[from]!.outcome === 'unknown') from++;
    if (++this.#configurations > MAX_CONFIGURATIONS) return undefined;
    const id = this.#configuration(content, from);
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    for (const i of this.#candidates(from)) {
      const after = apply(content, this.#operations[i]!);
      if (after === 'impossible') continue;
      const known = this.#operations[i]!.outcome !== 'unknown';
      // An operation without an answer that changes nothing explains nothing.
      if (!known && after?.value === content?.value && after?.meta === content?.meta) continue;
      this.#take(i, known, 1);
      const holds = this.#extend(after, from);
      if (holds !== false) return holds;
      this.#take(i, known, 0);
    }
    return false;
  }

  #take(i: number, known: boolean, taken: 0 | 1): void {
    this.#taken[i] = taken;
    if (known) this.#known += taken === 1 ? -1 : 1;
    if (taken === 0) return void this.#order.pop();
    this.#order.push(i);
    if (this.#order.length > this.#longest.length) this.#longest = [...this.#order];
  }

  /** What may come next: asked before anything that is not taken was answered. Those with answers first, by when that came. */
  #candidates(from: number): number[] {
    const found: number[] = [];
    let firstReturn = Infinity;
    for (let i = from; i < this.#operations.length; i++) {
      const { invokedAt, returnedAt } = this.#operations[i]!;
      if (invokedAt > firstReturn) break;
      if (this.#taken[i] === 1) continue;
      found.push(i);
      firstReturn = Math.min(firstReturn, returnedAt);
    }
    for (const i of this.#open(from)) found.push(i);
    return found.sort((a, b) => this.#operations[a]!.returnedAt - this.#operations[b]!.returnedAt || b - a);
  }

  /** Operations before `from` that are not taken: they have no answers. */
  #open(from: number): number[] {
    const open: number[] = [];
    for (let i = 0; i < from; i++) if (this.#taken[i] === 0) open.push(i);
    return open;
  }

  #configuration(content: Content | undefined, from: number): string {
    const beyond: number[] = [];
    for (let i = from; i < this.#taken.length; i++) if (this.#taken[i] === 1) beyond.push(i);
    return `${from} ${beyond.join()} ${this.#open(from).join()} ${content === undefined ? '' : `${content.value}/${content.meta}`}`;
  }
}
