/** A client of the simulated cluster: asks one thing after the other of a few objects, and notes what it was told. */
import { createHash } from 'node:crypto';
import { isStoreError, StoreError } from '#common';
import { bodyOfBuffer, bodyOfChunks, type Body } from '#common/stream';
import { ifAbsent, type ObjectName, type Store, type WriteCondition } from '#proxy/core';
import type { ObjectInfo } from '#storage-node/protocol';
import type { Condition, Content, History, Operation } from './history.ts';
import { CONTAINER } from './simulated-cluster.ts';

/** What a client is to do next, chosen when the simulation was planned: a shorter plan is the same one with parts left out. */
export interface Step {
  readonly client: number;
  /** Pause before it, in ms. */
  readonly pauseMs: number;
  readonly proxy: number;
  readonly key: string;
  readonly kind: 'put' | 'post' | 'delete' | 'get' | 'head';
  readonly condition: 'none' | 'absent' | 'match';
  readonly sizeBytes: number;
  readonly streamed: boolean;
}

/** How long a client waits before it leaves. */
export const PATIENCE_MS = 20_000;

export const contentOf = (value: string, sizeBytes: number): Buffer => Buffer.from(`${value} `.repeat(Math.ceil(sizeBytes / (value.length + 1)) || 1).slice(0, Math.max(sizeBytes, value.length)));
const valueIn = (data: Buffer): string => data.toString('latin1', 0, 20).split(' ')[0]!;
const metadataOf = (meta: string): Record<string, string> => ({ 'Content-Type': 'text/plain', 'user:by': meta });

export class Client {
  readonly #name: string;
  readonly #history: History;
  /** ETags by the values they are of. */
  readonly #etags: Map<string, string>;
  /** The last value that it saw or wrote, by key. */
  readonly #last = new Map<string, string>();

  /** Hears of errors that are no faults of the world. */
  readonly #wrong: (error: unknown) => void;
  /** Looks before it writes, and has the cluster not look: a planted fault. */
  readonly #blind: boolean;

  constructor(name: string, { history, etags, blind, wrong }: { history: History; etags: Map<string, string>; blind: boolean; wrong: (error: unknown) => void }) {
    this.#name = name;
    this.#history = history;
    this.#etags = etags;
    this.#blind = blind;
    this.#wrong = wrong;
  }

  /** Asks, and resolves when there is an answer. Answers the operation at once for who may have to give up on it. */
  begin(step: Step, store: Store): { operation: Operation; answered: Promise<void> } {
    const target = { ...CONTAINER, object: step.key };
    const kind = step.kind === 'get' || step.kind === 'head' ? 'read' : step.kind;
    const value = kind === 'put' || kind === 'post' ? `${this.#name}.${this.#history.operations.length}` : undefined;
    const condition = this.#condition(step);
    const operation = this.#history.begin(this.#name, step.key, { kind, condition, ...(value === undefined ? {} : { value }) });
    const answered = this.#ask(step, { store, target, operation }).then(
      (seen) => {
        const content = seen ?? (value === undefined || kind === 'post' ? undefined : { value, meta: value });
        if (content !== undefined) this.#last.set(step.key, content.value);
        this.#history.end(operation, 'done', kind === 'read' ? content : undefined);
      },
      (error: unknown) => {
        if (!isStoreError(error)) return this.#wrong(error);
        this.#history.end(operation, error.code === 'object-not-found' ? 'missing' : error.code === 'precondition-failed' ? 'failed' : 'unknown');
      },
    );
    return { operation, answered };
  }

  #condition({ condition, key, kind }: Step): Condition | undefined {
    if (kind !== 'put' && kind !== 'delete') return undefined;
    if (condition === 'absent') return kind === 'put' ? { absent: true } : undefined;
    const match = this.#last.get(key);
    return condition === 'match' && match !== undefined ? { match } : undefined;
  }

  async #ask(step: Step, { store, target, operation }: { store: Store; target: ObjectName; operation: Operation }): Promise<Content | undefined> {
    const { objects } = store;
    let condition = operation.condition && this.#asCondition(operation.condition);
    if (this.#blind && condition !== undefined) {
      condition(await objects.head(target).catch((error: unknown) => missing(error)));
      condition = undefined;
    }
    switch (step.kind) {
      case 'put': {
        const data = contentOf(operation.value!, step.sizeBytes);
        this.#etags.set(operation.value!, createHash('md5').update(data).digest('hex'));
        operation.timestamp = (await objects.put({ target, body: step.streamed ? pieces(data) : bodyOfBuffer(data), metadata: metadataOf(operation.value!), condition })).timestamp;
        return undefined;
      }
      case 'post':
        await objects.post(target, () => metadataOf(operation.value!));
        return undefined;
      case 'delete':
        operation.timestamp = (await objects.delete(target, { condition })).timestamp;
        return undefined;
      case 'head':
        return this.#seen(operation, await objects.head(target));
      case 'get': {
        await using open = await objects.get(target);
        const chunks: Buffer[] = [];
        for await (const chunk of open.read(0, open.info.sizeBytes)) chunks.push(chunk);
        const data = Buffer.concat(chunks);
        const content = this.#seen(operation, open.info);
        if (valueIn(data) !== content.value || createHash('md5').update(data).digest('hex') !== open.info.metadata['ETag']) throw new Error(`${step.key}: data of ${valueIn(data)} under the name of ${content.value}`);
        return content;
      }
    }
  }

  #asCondition(condition: Condition): WriteCondition {
    if ('absent' in condition) return ifAbsent;
    return (current) => {
      if (current?.metadata['ETag'] !== this.#etags.get(condition.match)) throw new StoreError('precondition-failed', 'another one is there');
    };
  }

  #seen(operation: Operation, info: ObjectInfo): Content {
    operation.timestamp = info.timestamp;
    return this.#content(info);
  }

  /** Whose data it is says the ETag, whose metadata the metadata. */
  #content({ metadata }: ObjectInfo): Content {
    for (const [value, etag] of this.#etags) if (etag === metadata['ETag']) return { value, meta: metadata['user:by']! };
    throw new Error(`an ETag that nobody wrote: ${metadata['ETag']}`);
  }
}

function missing(error: unknown): undefined {
  if (!isStoreError(error, 'object-not-found')) throw error;
  return undefined;
}

/** A body whose length nobody knows. */
function pieces(data: Buffer): Body {
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for (let at = 0; at < data.length; at += 1500) yield data.subarray(at, at + 1500);
  };
  return bodyOfChunks(chunks(), undefined);
}
