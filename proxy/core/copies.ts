/** An object to another name as it is stored, whatever it stands for: data, metadata and all. */
import { bodyOfBuffer, bodyOfChunks } from '#common/stream';
import type { Metadata } from '#storage-node/protocol';
import { ETAG } from './metadata.ts';
import type { ObjectName, Objects } from './objects.ts';

/** `more` is put over its metadata. Throws `object-not-found` where there is none. */
export async function copyStored(objects: Objects, source: ObjectName, target: ObjectName, more: (metadata: Metadata) => Metadata = () => ({})): Promise<void> {
  await using open = await objects.get(source, { asStored: true });
  const { data, info } = open;
  const { [ETAG]: asStored = '', ...metadata } = info.metadata;
  const body = data === undefined ? bodyOfChunks(open.read(0, info.sizeBytes), info.sizeBytes) : bodyOfBuffer(data);
  await objects.put({ target, body, metadata: { ...metadata, ...more(info.metadata) }, asStored });
}
