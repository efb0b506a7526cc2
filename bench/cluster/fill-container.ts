/**
 * Fills a container with rows, in a cluster's folder while no server runs on it: the rows of all replicas are merged straight into
 * their databases, since a million PUTs take minutes. The rows name objects that do not exist; they are for listing alone.
 *
 *   node bench/cluster/fill-container.ts DIR ACCOUNT CONTAINER ROWS
 */
import path from 'node:path';
import { silentLog, systemClock, type Timestamp } from '#common';
import { hashPath, RingSet } from '#ring';
import { startStorageNode } from '#storage-node';
import type { ListingRow } from '#storage-node/protocol';
import { readIdentity } from '../../tools/server/identity.ts';

const [folder = '', account = '', container = '', rowsText = '0'] = process.argv.slice(2);
const identity = await readIdentity(folder);
if (identity === undefined) throw new Error(`no cluster in ${folder}: start a server on it once`);
const rings = await RingSet.open({ folder: path.join(folder, 'rings'), salt: identity.salt });
const names = [...new Set(rings.container.devices.flatMap((device) => (device ? [device.device] : [])))];
await using node = await startStorageNode({ devices: names.map((name) => ({ name, directory: path.join(folder, 'devices', name) })), policies: [0], clock: systemClock, log: silentLog() });

const key = hashPath(identity.salt, account, container);
const database = { kind: 'container' as const, key, path: `/${account}/${container}` };
const now = (Math.floor(Date.now() / 10) * 1000) as Timestamp;
const total = Number(rowsText);
const primaries = rings.container.primaries(rings.container.partition(key)).map((device) => node.devices.get(device.device)!.listings);
for (let at = 0; at < total; at += 2000) {
  const rows = Array.from({ length: Math.min(2000, total - at) }, (_, i): ListingRow => {
    const timestamp = (now + at + i) as Timestamp;
    return { name: `o/${String(at + i).padStart(8, '0')}`, timestamp, deleted: false, metaTimestamp: timestamp, bytes: 4096, count: 1, policy: 0, etag: 'd41d8cd98f00b204e9800998ecf8427e', contentType: 'application/octet-stream' };
  });
  await Promise.all(primaries.map((listings) => listings.merge({ database, rows, createWith: { timestamp: now, policy: 0 } })));
  if (process.stderr.isTTY) process.stderr.write(`\r${at + rows.length} of ${total} rows`);
}
console.log(`${total} rows in ${account}/${container} on ${primaries.length} replicas`);
