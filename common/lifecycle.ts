/** From signals to an orderly end: SIGTERM and SIGINT abort one signal, and everything that was opened is disposed in turn. */

/** Aborts on the first SIGTERM or SIGINT. A second one ends the process at once, with the exit code that shells give a killed program. */
export function untilSignalled(): AbortSignal {
  const controller = new AbortController();
  for (const [name, number] of [['SIGTERM', 15], ['SIGINT', 2]] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + number);
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
