/** Where a command's words go, and how its tables look. Tests pass their own. */
import cliProgress from 'cli-progress';
import { systemClock, type Clock } from '#common';

/** As swift-ring-builder: scripts tell "done" from "nothing was done" from "failed". */
export const EXIT = { done: 0, warning: 1, error: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Terminal {
  readonly clock: Clock;
  out(text: string): void;
  err(text: string): void;
  exit(code: ExitCode): void;
  /** Runs long work with a progress bar where somebody watches; `work` reports its share done, 0 to 1. */
  progress<Result>(label: string, work: (onProgress: (done: number) => void) => Result): Result;
}

export const processTerminal: Terminal = {
  clock: systemClock,
  out: (text) => console.log(text),
  err: (text) => console.error(text),
  exit: (code) => {
    process.exitCode = code;
  },
  progress: (label, work) => {
    if (!process.stderr.isTTY) return work(() => undefined);
    const bar = new cliProgress.SingleBar({ format: `${label} {bar} {percentage}%`, stream: process.stderr, clearOnComplete: true, hideCursor: true }, cliProgress.Presets.shades_classic);
    bar.start(100, 0);
    try {
      return work((done) => bar.update(Math.floor(100 * done)));
    } finally {
      bar.stop();
    }
  },
};

/** Columns as wide as their widest cell, numbers to the right. */
export function textTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => String(row[column]).length)));
  const line = (cells: readonly (string | number)[]): string =>
    cells.map((cell, column) => (typeof cell === 'number' ? String(cell).padStart(widths[column] as number) : cell.padEnd(widths[column] as number))).join('  ').trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}
