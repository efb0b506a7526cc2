/** What became of the many things that a bulk request does, and the report of it. */
import { percentEncodePath } from '#common/http';
import { asRefusal } from '../errors.ts';
import { explanation, statusLine, type Refusal } from '../refusal.ts';
import { reportText, type Failure, type ReportFormat } from '../report/report.ts';

const MAX_NAME = 1024 + 256 + 2;

export class Outcome {
  readonly #maxFailures: number;
  readonly #failures: Failure[] = [];
  readonly #counts: Record<string, number>;
  #gateway = false;

  /** Counts by their names in the report. */
  constructor(counts: readonly string[], maxFailures: number) {
    this.#counts = Object.fromEntries(counts.map((name) => [name, 0]));
    this.#maxFailures = maxFailures;
  }

  count(name: string): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
  }

  get failed(): boolean {
    return this.#failures.length > 0;
  }

  get full(): boolean {
    return this.#failures.length >= this.#maxFailures;
  }

  get anything(): boolean {
    return Object.values(this.#counts).some((count) => count > 0);
  }

  /** Notes that something failed: with a status line, or for a fault that has one. Throws what is no fault of the world. */
  fail(name: string, fault: unknown): Refusal | undefined {
    const refusal = typeof fault === 'string' ? undefined : asRefusal(fault);
    if (typeof fault !== 'string' && refusal === undefined) throw fault;
    if (refusal !== undefined && refusal.status >= 500) this.#gateway = true;
    this.#failures.push([percentEncodePath(name.slice(0, MAX_NAME)), typeof fault === 'string' ? fault : statusLine(refusal!.status)]);
    return refusal;
  }

  /** The report where all was tried; `done` is the status where nothing failed, `nothing` what is said where there was nothing to do. */
  report(format: ReportFormat, root: string, { done, nothing }: { done: number; nothing: string }): string {
    if (this.failed) return this.#text(format, root, this.#gateway ? 502 : 400, '');
    return this.anything ? this.#text(format, root, done, '') : this.#text(format, root, 400, nothing);
  }

  /** The report where a fault ended it all. */
  reportFault(format: ReportFormat, root: string, refusal: Refusal): string {
    return this.#text(format, root, refusal.status, refusal.body.startsWith('<html>') ? explanation(refusal.status) : refusal.body);
  }

  #text(format: ReportFormat, root: string, status: number, body: string): string {
    return reportText(format, { 'Response Status': statusLine(status), 'Response Body': body, ...this.#counts }, this.#failures, root);
  }
}
