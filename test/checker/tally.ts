/** What a check counts and what it finds. A fault is a broken promise, told in a sentence; one is enough to fail. */
export class Tally {
  readonly faults: string[] = [];
  readonly counts: Record<string, number> = {};

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  fault(sentence: string): void {
    this.faults.push(sentence);
  }
}
