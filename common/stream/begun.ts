/** A body of which the first chunk is here already: what cannot be read at all is known before an answer has begun. */

export interface Begun {
  readonly body: AsyncIterable<Buffer>;
  /** Lets go of the source, whether the body was read or not. */
  close(): Promise<void>;
}

/** Waits for the first chunk; throws what it throws. */
export async function begun(source: AsyncIterable<Buffer>): Promise<Begun> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  return { body: rest(first, iterator), close: async () => void (await iterator.return?.()) };
}

async function* rest(first: IteratorResult<Buffer>, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let step = first; step.done !== true; step = await iterator.next()) yield step.value;
}
