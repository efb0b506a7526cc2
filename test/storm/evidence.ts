/**
 * All that was asked of each key in a storm and what was answered, in the one order of moments of the clients' process; judged key by key, and then
 * folded into what is known to be there, so that a storm may last as long as it likes.
 */
import { describeOperation, type Asked, type Content, type Operation } from '../simulation/history.ts';
import { checkRegister } from '../simulation/linearizability.ts';

/** What a listing showed of a key: whose data its row is of, nothing, or nobody's. */
export interface Glance {
  readonly from: number;
  readonly to: number;
  readonly value: string | undefined;
}

export interface Written {
  readonly etag: string;
  readonly sizeBytes: number;
}

export class KeyEvidence {
  readonly name: string;
  /** What is known to have been there before the first of the operations. */
  initial: Content | undefined;
  operations: Operation[] = [];
  glances: Glance[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** What is wrong, in words; `undecided` where the search gave up. */
  judge(): { violations: string[]; undecided: boolean } {
    const verdict = checkRegister(this.operations, this.initial);
    const violations: string[] = [];
    if (verdict.holds === false) {
      const lines = [...verdict.longest.slice(-12).map((operation) => `  ${describeOperation(operation)}`), '  then none of', ...verdict.stuck.map((operation) => `  ${describeOperation(operation)}`)];
      violations.push(`${this.name} is no register (before: ${this.initial?.value ?? 'nothing'}):\n${lines.join('\n')}`);
    }
    for (const glance of this.glances) {
      const complaint = this.#judgeGlance(glance);
      if (complaint !== undefined) violations.push(complaint);
    }
    return { violations, undecided: verdict.holds === undefined };
  }

  /**
   * A listing shows each key as a regular register would (Lamport, 1986): as the last write left it that was answered before the listing was asked for, or as one
   * that was under way does. Two listings may see a write under way in turn.
   */
  #judgeGlance({ from, to, value }: Glance): string | undefined {
    const writes = this.operations.filter(({ kind, outcome }) => (kind === 'put' || kind === 'delete') && (outcome === 'done' || outcome === 'unknown'));
    const overtaken = (returnedAt: number): Operation | undefined => writes.find((other) => other.outcome === 'done' && other.invokedAt > returnedAt && other.returnedAt < from);
    const shown = writes.filter(({ kind, value: written, invokedAt }) => invokedAt < to && (value === undefined ? kind === 'delete' : written === value));
    if (this.initial?.value === value && overtaken(-1) === undefined) return undefined;
    if (shown.some(({ returnedAt }) => overtaken(returnedAt) === undefined)) return undefined;
    const later = writes.find(({ outcome, returnedAt }) => outcome === 'done' && returnedAt < from);
    return `${this.name}: a listing at ${from}..${to} shows ${value ?? 'nothing'}, though there is ${later === undefined ? 'nothing of it' : describeOperation(writes.filter(({ outcome, returnedAt }) => outcome === 'done' && returnedAt < from).at(-1)!)}`;
  }

  /** Forgets all but what may matter yet: the present content, and writes whose end nobody saw, of which no read told either. */
  fold(content: Content | undefined): void {
    const told = new Set(this.operations.flatMap(({ seen }) => (seen === undefined ? [] : [seen.value, seen.meta])));
    this.operations = this.operations.filter(({ kind, outcome, value }) => kind !== 'read' && outcome === 'unknown' && !(value !== undefined && told.has(value)));
    this.glances = [];
    this.initial = content;
  }
}

export class Evidence {
  readonly keys = new Map<string, KeyEvidence>();
  /** What each value that was ever sent is, by name; and names by ETag. */
  readonly written = new Map<string, Written>();
  readonly valueOf = new Map<string, string>();
  operations = 0;
  unanswered = 0;
  #moment = 0;

  now(): number {
    return ++this.#moment;
  }

  key(name: string): KeyEvidence {
    let key = this.keys.get(name);
    if (key === undefined) this.keys.set(name, (key = new KeyEvidence(name)));
    return key;
  }

  begin(key: KeyEvidence, client: string, asked: Asked): Operation {
    const operation: Operation = { ...asked, id: this.operations++, key: key.name, client, invokedAt: this.now(), returnedAt: Infinity, outcome: 'unknown' };
    key.operations.push(operation);
    return operation;
  }

  end(operation: Operation, outcome: Operation['outcome'], seen?: Content): void {
    operation.outcome = outcome;
    if (outcome === 'unknown') this.unanswered++;
    else operation.returnedAt = this.now();
    if (seen !== undefined) operation.seen = seen;
  }

  /** It never reached anybody. */
  withdraw(key: KeyEvidence, operation: Operation): void {
    key.operations.splice(key.operations.lastIndexOf(operation), 1);
    this.operations--;
  }
}
