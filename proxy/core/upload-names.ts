/** Where uploads in parts are kept: their records and their parts each in a reserved container beside the object's own. */
import { formatTimestamp, type Timestamp } from '#common';
import type { ListingRow } from '#storage-node/protocol';
import type { ContainerName } from './containers.ts';
import { parseListed } from './listed.ts';
import type { ObjectName } from './objects.ts';
import { reservedName, reservedParts } from './reserved.ts';

export interface UploadPart {
  readonly number: number;
  /** Later ones sort later. */
  readonly attempt: string;
  readonly etag: string;
  readonly bytes: number;
  readonly modifiedAt: Timestamp;
  /** What was said of it when it was stored. */
  readonly contentType: string;
  /** The object's name in the container of parts. */
  readonly name: string;
}

export function uploadsContainer({ account, container }: ContainerName): ContainerName {
  return { account, container: reservedName('uploads', container) };
}

export function partsContainer({ account, container }: ContainerName): ContainerName {
  return { account, container: reservedName('parts', container) };
}

export function uploadName(target: ObjectName, id: string): ObjectName {
  return { ...uploadsContainer(target), object: reservedName(target.object, id) };
}

export function partsPrefix({ object }: Pick<ObjectName, 'object'>, id: string): string {
  return reservedName(object, id, '');
}

/** A name for one attempt at a part: no other writes to it, so what a completed object is made of stays what it was. */
export function partNameOf(target: ObjectName, id: string, number: number, now: Timestamp): ObjectName {
  return { ...partsContainer(target), object: reservedName(target.object, id, String(number).padStart(5, '0'), formatTimestamp(now)) };
}

/** The number of the part that an object of the container of parts is. */
export function partNumberOf(name: string): number | undefined {
  const number = reservedParts(name)?.[2];
  return number === undefined ? undefined : Number(number);
}

export function parsePartName(row: ListingRow): UploadPart | undefined {
  const [, , number, attempt] = reservedParts(row.name) ?? [];
  if (number === undefined || attempt === undefined) return undefined;
  return { number: Number(number), attempt, etag: parseListed(row.etag).etag, bytes: row.bytes, modifiedAt: row.timestamp, contentType: row.contentType, name: row.name };
}
