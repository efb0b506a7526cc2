/** The ListingEngine of a device in another process: each call is a request to the storage node that owns it. */
import { StoreError, type Timestamp } from '#common';
import {
  decodeDatabase, decodePage, decodeWireRow, DIGEST_BYTES, encodeDatabase, encodeKey, encodeWireRow, listingPath, parseJson,
  type DatabaseCopy, type DatabaseInfo, type DatabaseName, type DatabaseRanges, type DatabaseVersion, type Dated, type Key, type ListingEngine, type ListingOperation,
  type ListingPage, type ListingQuery, type ListingRow, type MergeRequest, type PutDatabase, type ReplicatedState, type TimedMetadata, type WireDatabase, type WirePage, type WireRow,
} from '#storage-node/protocol';
import type { HttpTransport } from './http-transport.ts';
import { LazySender } from './lazy-sender.ts';

export class RemoteListingEngine implements ListingEngine {
  readonly #transport: HttpTransport;
  readonly #device: string;
  readonly #reporting: LazySender<DatabaseInfo>;

  constructor(transport: HttpTransport, device: string) {
    this.#transport = transport;
    this.#device = device;
    this.#reporting = new LazySender((infos) => this.#call('reported', { infos }));
  }

  info(database: DatabaseName): Promise<DatabaseInfo | undefined> {
    return this.#call('info', { database: encodeDatabase(database) });
  }

  async put({ database, timestamp, metadata, policy, dated }: PutDatabase): Promise<{ created: boolean; info: DatabaseInfo }> {
    const answer = await this.#call<{ created: boolean; info: DatabaseInfo }>('put', { database: encodeDatabase(database), timestamp, metadata, policy, dated });
    return answer!;
  }

  post({ database, timestamp, metadata, dated }: Dated & { database: DatabaseName; timestamp: Timestamp; metadata: TimedMetadata }): Promise<DatabaseInfo | undefined> {
    return this.#call('post', { database: encodeDatabase(database), timestamp, metadata, dated });
  }

  async delete({ database, timestamp, force, dated }: Dated & { database: DatabaseName; timestamp: Timestamp; force?: boolean }): Promise<'deleted' | 'not-found' | 'not-empty'> {
    const answer = await this.#call<'deleted' | 'not-found' | 'not-empty'>('delete', { database: encodeDatabase(database), timestamp, force, dated });
    return answer!;
  }

  merge({ database, rows, createWith, deferSync }: MergeRequest): Promise<DatabaseInfo | undefined> {
    return this.#call('merge', { database: encodeDatabase(database), rows: rows.map(encodeWireRow), createWith, deferSync });
  }

  async sync(): Promise<string> {
    return (await this.#call<string>('sync', {}))!;
  }

  async list(database: DatabaseName, query: ListingQuery): Promise<ListingPage | undefined> {
    const page = await this.#call<WirePage>('list', { database: encodeDatabase(database), query });
    return page && decodePage(page);
  }

  async unreported(limit: number): Promise<DatabaseInfo[]> {
    await this.#reporting.flush();
    return (await this.#call<DatabaseInfo[]>('unreported', { limit }))!;
  }

  reported(info: DatabaseInfo): void {
    this.#reporting.add(info);
  }

  async databaseDigests(ranges: DatabaseRanges): Promise<Buffer> {
    const digests = await this.#transport.call(listingPath(this.#device, 'databaseDigests'), JSON.stringify(ranges));
    if (digests.length !== ranges.prefixes.length * DIGEST_BYTES) throw new StoreError('device-unavailable', 'an answer without all of its digests');
    return digests;
  }

  async databaseVersions({ after, ...request }: DatabaseRanges & { after?: Key | undefined; limit: number }): Promise<DatabaseVersion[]> {
    const versions = await this.#call<{ database: WireDatabase; version: string }[]>('databaseVersions', { ...request, after: after && encodeKey(after) });
    return versions!.map(({ database, version }) => ({ database: decodeDatabase(database), version }));
  }

  databaseState(database: DatabaseName): Promise<ReplicatedState | undefined> {
    return this.#call('databaseState', { database: encodeDatabase(database) });
  }

  async databaseRows(database: DatabaseName, page: { after: string; limit: number }): Promise<ListingRow[]> {
    const rows = await this.#call<WireRow[]>('databaseRows', { database: encodeDatabase(database), ...page });
    return rows!.map(decodeWireRow);
  }

  async rowDigests(database: DatabaseName, ranges: { after: string; ends: readonly string[] }): Promise<string[]> {
    return (await this.#call<string[]>('rowDigests', { database: encodeDatabase(database), ...ranges }))!;
  }

  async adopt(copies: readonly DatabaseCopy[]): Promise<void> {
    await this.#call('adopt', { copies: copies.map(({ database, state, rows }) => ({ database: encodeDatabase(database), state, rows: rows.map(encodeWireRow) })) });
  }

  async #call<T>(operation: ListingOperation, fields: object): Promise<T | undefined> {
    const body = await this.#transport.call(listingPath(this.#device, operation), JSON.stringify(fields));
    return (parseJson(body) ?? undefined) as T | undefined;
  }
}
