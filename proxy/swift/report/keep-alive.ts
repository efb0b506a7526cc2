/**
 * An answer that is sent while its work goes on: blanks now and then, so that nobody between client and server takes the
 * connection for dead, and at the end what the work has to say. JSON and XML parsers skip the blanks.
 */
import type { ReportFormat } from './report.ts';

/** Seconds between two blanks. */
export const YIELD_FREQUENCY = 10;

export interface KeepAlive {
  readonly format: ReportFormat;
  /** A blank at once, before the work has begun: the status is then on its way. */
  readonly atOnce: boolean;
  readonly intervalMs?: number;
}

/** Runs the work; its signal says that nobody waits for it any more. */
export async function* whileWorking(work: (signal: AbortSignal) => Promise<string>, { format, atOnce, intervalMs = YIELD_FREQUENCY * 1000 }: KeepAlive): AsyncGenerator<Buffer> {
  // An XML document begins with its declaration, before any blank.
  const declaration = format.endsWith('/xml') ? '<?xml version="1.0" encoding="UTF-8"?>\n' : '';
  const gone = new AbortController();
  let separator = declaration;
  try {
    if (atOnce) {
      yield Buffer.from(declaration === '' ? ' ' : declaration);
      separator = '\r\n\r\n';
    }
    const working = work(gone.signal);
    while (!(await settlesWithin(working, intervalMs))) {
      yield Buffer.from(separator === declaration && declaration !== '' ? declaration : ' ');
      separator = '\r\n\r\n';
    }
    yield Buffer.from(separator + (await working));
  } finally {
    gone.abort();
  }
}

async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([
      work.then(
        () => true,
        () => true,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
