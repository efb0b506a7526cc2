/** What Swift takes for yes in a header or parameter. */
const YES: ReadonlySet<string> = new Set(['true', '1', 'yes', 'on', 't', 'y']);

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && YES.has(value.toLowerCase());
}
