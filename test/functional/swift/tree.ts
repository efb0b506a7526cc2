#!/usr/bin/env node
/**
 * The long form of clients.test.ts: a whole tree of real files, odd names among them, and one large file in segments go through
 * `swift` and through `rclone` and come back; every byte is compared. Prints one line a step, and ends with 1 where anything differs.
 *
 *     node test/functional/swift/tree.ts --tree /usr/share --gib 6 [--clients swift,rclone] [--scratch /tmp]
 *
 * Needs about five times the tree and five times the large file in the scratch folder: the source, three replicas, what comes back.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { GoriProcess } from './gori-process.ts';
import { contentsOf, CONTROL_NAMES, differences, makeLargeFile, makeOddTree, md5Of, ODD_NAMES } from './odd-tree.ts';
import { clientEnvironment, runWell } from './programs.ts';

const { values } = parseArgs({
  options: {
    tree: { type: 'string', default: '/usr/share/doc' },
    gib: { type: 'string', default: '6' },
    clients: { type: 'string', default: 'swift,rclone' },
    scratch: { type: 'string', default: tmpdir() },
  },
});
const scratch = await mkdtemp(path.join(values.scratch, 'gori-tree-'));
process.env['TMPDIR'] = scratch;
const source = path.join(scratch, 'source');
const back = path.join(scratch, 'back');
const large = path.join(scratch, 'large.bin');
let faults = 0;

async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

function judge(what: string, lines: readonly string[]): void {
  console.log(lines.length === 0 ? `${what}: equal` : `${what}: DIFFERS\n  ${lines.join('\n  ')}`);
  faults += lines.length;
}

/** How each client says it. A newline in a name is more than swift's own listing can tell from two names, so it downloads by name all the same. */
const CLIENTS: Readonly<Record<string, { upload: string[]; list: string[]; download: string[]; remove: string[]; uploadLarge: string[]; downloadLarge: string[]; check?: string[] }>> = {
  swift: {
    upload: ['swift', 'upload', '-q', 'tree', '.'],
    list: ['swift', 'list', 'tree', '--json'],
    download: ['swift', 'download', '-q', 'tree', '-D', back],
    uploadLarge: ['swift', 'upload', '-q', '-S', String(512 << 20), '--segment-threads', '4', 'large', large, '--object-name', 'large.bin'],
    downloadLarge: ['swift', 'download', '-q', 'large', 'large.bin', '-o', `${large}.back`],
    remove: ['swift', 'delete', '--all'],
  },
  rclone: {
    upload: ['rclone', 'copy', '--transfers', '8', '--checkers', '8', source, ':swift:tree'],
    list: ['rclone', 'lsf', '-R', '--files-only', ':swift:tree'],
    check: ['rclone', 'check', '--checkers', '8', source, ':swift:tree'],
    download: ['rclone', 'copy', '--transfers', '8', ':swift:tree', back],
    uploadLarge: ['rclone', 'copyto', '--swift-chunk-size', '512Mi', large, ':swift:large/large.bin'],
    downloadLarge: ['rclone', 'copyto', ':swift:large/large.bin', `${large}.back`],
    remove: ['rclone', 'purge', ':swift:tree'],
  },
};

try {
  await step('the source tree is copied, links followed', async () => {
    spawnSync('cp', ['-rL', '--no-preserve=mode', values.tree, source]);
    await makeOddTree(path.join(source, 'odd'), [...ODD_NAMES, ...CONTROL_NAMES]);
  });
  const wanted = await contentsOf(source);
  const sizes = await Promise.all([...wanted.keys()].map(async (name) => (await stat(path.join(source, name))).size));
  console.log(`${values.tree} and odd names: ${wanted.size} files, ${sizes.reduce((sum, size) => sum + size, 0)} bytes`);
  const largeBytes = Math.round(Number(values.gib) * 2 ** 30);
  await step(`a file of ${largeBytes} bytes is made`, () => makeLargeFile(large, largeBytes));
  const largeMd5 = await md5Of(large);
  for (const name of values.clients.split(',')) {
    const client = CLIENTS[name]!;
    await using gori = await GoriProcess.start();
    const options = { env: clientEnvironment(gori.endpoint), cwd: source };
    await step(`${name} uploads the tree`, () => runWell(client.upload, options));
    const listed = await step(`${name} lists it`, () => runWell(client.list, options));
    console.log(`${name} lists ${name === 'swift' ? (JSON.parse(listed) as unknown[]).length : listed.split('\n').length - 1} lines`);
    if (client.check) await step(`${name} check is clean`, () => runWell(client.check!, options));
    await step(`${name} downloads the tree`, () => runWell(client.download, options));
    judge(`${name}: the tree that came back`, differences(wanted, await contentsOf(back)));
    await rm(back, { recursive: true, force: true });
    await step(`${name} uploads ${largeBytes} bytes in segments`, () => runWell(client.uploadLarge, options));
    await step(`${name} downloads them`, () => runWell(client.downloadLarge, options));
    judge(`${name}: the large file that came back`, (await md5Of(`${large}.back`)) === largeMd5 ? [] : ['its MD5 differs']);
    await rm(`${large}.back`);
    await step(`${name} deletes`, () => runWell(client.remove, options));
    const { residentBytes, handles } = await gori.resources();
    console.log(`the server then: ${handles} handles, ${Math.round(residentBytes / 2 ** 20)} MiB resident, ${gori.complaints.length} complaints ${gori.complaints.slice(0, 3).join('\n')}`);
  }
} finally {
  console.log(`scratch held ${(await readdir(scratch)).join(', ')}`);
  await rm(scratch, { recursive: true, force: true });
}
process.exitCode = faults === 0 ? 0 : 1;
