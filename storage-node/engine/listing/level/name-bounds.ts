/** The range of names that a query can answer with, from its markers and prefix. */
import { compareNames, textAfterPrefix, type ListingQuery } from '#storage-node/protocol';
import type { NameRange } from './row-cursor.ts';

/** Undefined where no name can lie between the bounds. */
export function nameRange(query: ListingQuery): NameRange | undefined {
  const { prefix, reverse } = query;
  const [lower, upper] = reverse ? [query.endMarker, query.marker] : [query.marker, query.endMarker];
  const after = lower !== '' && compareNames(lower, prefix) >= 0 ? lower : undefined;
  const behindPrefix = textAfterPrefix(prefix);
  const nearer = behindPrefix === undefined || (upper !== '' && compareNames(upper, behindPrefix) < 0) ? upper : behindPrefix;
  const before = nearer === '' ? undefined : nearer;
  if (before !== undefined && compareNames(after ?? prefix, before) >= 0) return undefined;
  return { after, from: prefix, before, reverse };
}
