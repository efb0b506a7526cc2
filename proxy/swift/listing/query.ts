/** Listing parameters of accounts and containers: limit, marker, end_marker, prefix, delimiter, reverse. */
import type { ListingQuery } from '#storage-node/protocol';
import { Refusal } from '../refusal.ts';
import { isTrue } from '../request.ts';

/** The query that the parameters ask for; 412 for a limit above `maxLimit`. What is no number is not there. */
export function listingQuery(parameters: ReadonlyMap<string, string>, maxLimit: number): ListingQuery {
  const limitText = parameters.get('limit') ?? '';
  const limit = /^\d+$/.test(limitText) ? Number(limitText) : maxLimit;
  if (limit > maxLimit) throw new Refusal(412, `Maximum limit is ${maxLimit}`);
  return {
    limit,
    marker: parameters.get('marker') ?? '',
    endMarker: parameters.get('end_marker') ?? '',
    prefix: parameters.get('prefix') ?? '',
    delimiter: parameters.get('delimiter') ?? '',
    reverse: isTrue(parameters.get('reverse')),
  };
}
