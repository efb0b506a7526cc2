/** Many small pieces of work, a bounded number at once. */

/** Runs `work` for each item as the source brings them; stops taking items once the signal is aborted. Throws the first fault, after what has begun is done. */
export async function concurrently<T>(items: Iterable<T> | AsyncIterable<T>, limit: number, work: (item: T) => Promise<void>, signal?: AbortSignal): Promise<void> {
  const running = new Set<Promise<void>>();
  let fault: { readonly error: unknown } | undefined;
  for await (const item of items) {
    if (signal?.aborted === true || fault !== undefined) break;
    const run: Promise<void> = work(item)
      .catch((error: unknown) => {
        fault ??= { error };
      })
      .finally(() => running.delete(run));
    running.add(run);
    if (running.size >= limit) await Promise.race(running);
  }
  await Promise.all(running);
  if (fault !== undefined) throw fault.error;
}
