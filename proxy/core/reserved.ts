/**
 * Names that belong to the store: they begin with a NUL, which no request of a client can name. Only what the store itself wrote
 * leads to them, so whoever may read what leads there may read what is there.
 */

const NUL = '\0';

/** `\0part\0part`. Parts may be empty. */
export function reservedName(...parts: string[]): string {
  return NUL + parts.join(NUL);
}

export function isReserved(name: string): boolean {
  return name.startsWith(NUL);
}

/** The parts of a reserved name; undefined for any other. */
export function reservedParts(name: string): string[] | undefined {
  return isReserved(name) ? name.slice(1).split(NUL) : undefined;
}

/** Comes after every reserved name, and before every other. */
export const AFTER_RESERVED = `${NUL}\u{10ffff}`;
