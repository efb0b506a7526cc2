/** The ListingEngine of a device in another process: each call is a request to the storage node that owns it. */
import type { Timestamp } from '#common';
import {
  decodePage, encodeDatabase, encodeWireRow, listingPath, parseJson,
  type DatabaseInfo, type DatabaseName, type ListingEngine, type ListingOperation, type ListingPage, type ListingQuery, type MergeRequest, type PutDatabase, type TimedMetadata, type WirePage,
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

  async put({ database, timestamp, metadata, policy }: PutDatabase): Promise<{ created: boolean; info: DatabaseInfo }> {
    const answer = await this.#call<{ created: boolean; info: DatabaseInfo }>('put', { database: encodeDatabase(database), timestamp, metadata, policy });
    return answer!;
  }

  post({ database, timestamp, metadata }: { database: DatabaseName; timestamp: Timestamp; metadata: TimedMetadata }): Promise<DatabaseInfo | undefined> {
    return this.#call('post', { database: encodeDatabase(database), timestamp, metadata });
  }

  async delete({ database, timestamp, force }: { database: DatabaseName; timestamp: Timestamp; force?: boolean }): Promise<'deleted' | 'not-found' | 'not-empty'> {
    const answer = await this.#call<'deleted' | 'not-found' | 'not-empty'>('delete', { database: encodeDatabase(database), timestamp, force });
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

  async #call<T>(operation: ListingOperation, fields: object): Promise<T | undefined> {
    const body = await this.#transport.call(listingPath(this.#device, operation), JSON.stringify(fields));
    return (parseJson(body) ?? undefined) as T | undefined;
  }
}
