/** What clients asked of each object, what they were told, and in which order: the evidence that linearizability.ts judges. */

/** What is there: the write that its data is of, and the one that its metadata is of. Undefined for nothing. */
export interface Content {
  readonly value: string;
  readonly meta: string;
}

/** `orAbsent`: holds where nothing is, too, as S3's deletes have it. */
export type Condition = { readonly absent: true } | { readonly match: string; readonly orAbsent?: true };

export interface Asked {
  readonly kind: 'put' | 'post' | 'delete' | 'read';
  /** Of a put: names its data. Of a post: names its metadata. */
  readonly value?: string;
  readonly condition?: Condition | undefined;
}

export interface Operation extends Asked {
  readonly id: number;
  readonly key: string;
  readonly client: string;
  /** Moments are whole numbers that only grow; no two are equal. */
  readonly invokedAt: number;
  /** Infinity where no answer came, or one that leaves open what happened. */
  returnedAt: number;
  /** `done` 2xx, `missing` 404, `failed` 412; `unknown` for all else. */
  outcome: 'done' | 'missing' | 'failed' | 'unknown';
  /** Of a read that is done. */
  seen?: Content;
  /** Of data: the timestamp that the cluster gave it. For whoever reads the story; no judgement rests on it. */
  timestamp?: number;
}

export class History {
  readonly operations: Operation[] = [];
  #moment = 0;

  now(): number {
    return ++this.#moment;
  }

  begin(client: string, key: string, asked: Asked): Operation {
    const operation: Operation = { ...asked, id: this.operations.length, key, client, invokedAt: this.now(), returnedAt: Infinity, outcome: 'unknown' };
    this.operations.push(operation);
    return operation;
  }

  end(operation: Operation, outcome: Operation['outcome'], seen?: Content): void {
    operation.outcome = outcome;
    if (outcome !== 'unknown') operation.returnedAt = this.now();
    if (seen !== undefined) operation.seen = seen;
  }

  of(key: string): Operation[] {
    return this.operations.filter((operation) => operation.key === key);
  }
}

export function describeOperation({ id, client, kind, value, condition, invokedAt, returnedAt, outcome, seen, timestamp }: Operation): string {
  const under = condition === undefined ? '' : 'absent' in condition ? ' if absent' : ` if it is ${condition.match}`;
  const saw = seen === undefined ? '' : ` ${seen.value}${seen.meta === seen.value ? '' : ` with ${seen.meta}`}`;
  return `${String(invokedAt).padStart(6)}..${returnedAt === Infinity ? '?' : returnedAt}`.padEnd(16) + ` #${id} ${client}: ${kind}${value === undefined ? '' : ` ${value}`}${under}: ${outcome}${saw}${timestamp === undefined ? '' : ` @${timestamp % 1e10}`}`;
}
