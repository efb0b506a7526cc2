/** Bulk operations: which requests are one. They stand before all others, and each thing that they do is asked for by itself. */
import type { Response } from '#proxy/edge';
import { Refusal } from '../refusal.ts';
import type { SwiftRequest } from '../request.ts';
import { bulkDelete } from './delete.ts';
import { extractArchive, type Compression } from './extract.ts';

const COMPRESSIONS: ReadonlyMap<string, Compression> = new Map([['tar', 'none'], ['tar.gz', 'gzip'], ['tar.bz2', 'bzip2']]);

/** The answer to a bulk request; undefined for any other. */
export function bulk(request: SwiftRequest): Response | undefined {
  const { query, exchange } = request;
  if (query.size === 0) return undefined;
  const archive = query.get('extract-archive');
  if (archive !== undefined && exchange.method === 'PUT') {
    const compression = COMPRESSIONS.get(archive.toLowerCase().replace(/^\.+|\.+$/g, ''));
    if (compression === undefined) throw new Refusal(400, 'Unsupported archive format');
    return extractArchive(request, compression);
  }
  if (query.has('bulk-delete') && (exchange.method === 'POST' || exchange.method === 'DELETE')) return bulkDelete(request);
  return undefined;
}
