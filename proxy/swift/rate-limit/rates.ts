/** How many requests a second a container of some size may have: given at a few sizes, in a straight line between them. */

export type Rates = readonly (readonly [size: number, perSecond: number])[];

/** In order of size. */
export function ratesOf(bySize: Readonly<Record<string, number>>): Rates {
  return Object.entries(bySize).map(([size, rate]) => [Number(size), rate] as const).sort(([a], [b]) => a - b);
}

/** Undefined where there is no limit: below the first size, and of an empty container. */
export function rateAt(rates: Rates, size: number): number | undefined {
  if (size === 0) return undefined;
  const next = rates.findIndex(([from]) => from > size);
  const below = rates.at(next === -1 ? -1 : next - 1);
  if (next === 0 || below === undefined) return undefined;
  const above = next === -1 ? undefined : rates[next];
  if (above === undefined) return below[1];
  return below[1] + ((size - below[0]) * (above[1] - below[1])) / (above[0] - below[0]);
}
