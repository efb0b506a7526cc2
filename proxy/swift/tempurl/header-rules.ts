/** Which headers pass: names, or prefixes that end with `*`; exceptions win. */

export function headerRule(removed: readonly string[], allowed: readonly string[]): (name: string) => boolean {
  const [remove, allow] = [matcher(removed), matcher(allowed)];
  return (name) => allow(name) || !remove(name);
}

function matcher(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return (name) => exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}
