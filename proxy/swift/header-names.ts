/** How a lower-case header name is printed: each word with a capital, as Swift's clients are used to. */

const known = new Map<string, string>();
const MAX_KNOWN = 10_000;

/** `x-object-meta-colour` -> `X-Object-Meta-Colour`. */
export function titleCase(name: string): string {
  let title = known.get(name);
  if (title === undefined) {
    title = name.replace(/(^|[^a-z])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase());
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(name, title);
  }
  return title;
}
