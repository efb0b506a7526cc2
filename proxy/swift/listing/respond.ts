/** The answer to a listing, and to the HEAD of what could be listed: the same headers, with or without the entries. */
import type { Response } from '#proxy/edge';
import type { ListingEntry } from '#storage-node/protocol';
import type { SwiftRequest } from '../request.ts';
import { formatListing, listingFormat, type RowForm } from './format.ts';

export function respondListing(
  request: SwiftRequest,
  listing: { entries: readonly ListingEntry[]; form: RowForm; root: { element: string; name: string }; headers: Response['headers'] },
): Response {
  const { exchange, query } = request;
  const format = listingFormat(query.get('format'), exchange.header('accept'));
  const headers = { ...listing.headers, 'Content-Type': `${format}; charset=utf-8`, Vary: 'Accept' };
  // Swift says the length of nothing too, and its later clients look for it.
  if (exchange.method === 'HEAD' || (listing.entries.length === 0 && format === 'text/plain')) return { status: 204, headers: { ...headers, 'Content-Length': 0 } };
  return { status: 200, headers, body: formatListing(format, listing.entries, listing.form, listing.root) };
}
