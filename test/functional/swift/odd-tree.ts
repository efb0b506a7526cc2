/** A folder of files whose names and sizes clients and servers stumble over, and what a folder holds, for comparing. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Names that are legal in a file system and in an object store, each for a reason of its own. */
export const ODD_NAMES: readonly string[] = [
  'plain.txt',
  ' leading and trailing blanks ',
  'percent%20sign%',
  '100%',
  '%2e%2e',
  '%00',
  'hash#mark',
  'question?mark=1&b',
  'plus+and=equals',
  `it's "quoted"`,
  'back\\slash',
  'semi;colon,comma',
  '<tag attribute="x">&amp;',
  'star*[brackets]{braces}',
  '$HOME `whoami` $(id)',
  '-dash',
  '.hidden',
  '...',
  'tilde~',
  'pipe|caret^',
  'a:colon',
  '@at',
  '한국어.txt',
  'café (composed)',
  'café (decomposed)',
  'Ω≈ç√∫˜µ≤≥÷',
  '🎉 beyond the basic plane 𝒳',
  '\u{ffff}before-the-surrogates',
  '\u{10ffff}last',
  '\u202eright to left',
  'zero\u200bwidth',
  'con',
  'constructor',
  '__proto__',
  'type.constructor',
];

/** Some clients work line by line, and lose names with line breaks and other control characters in them. */
export const CONTROL_NAMES: readonly string[] = ['new\nline', 'carriage\rreturn', 'tab\tulator', 'bell\x07', 'escape\x1b[31m', 'delete\x7f'];

/** Makes a tree of odd names, empty files, deep folders, and files around the sizes at which the server changes its ways. */
export async function makeOddTree(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [i, name] of names.entries()) {
    await writeFile(path.join(folder, name), `${i}: ${name}\n`);
    await mkdir(path.join(folder, 'folders', name), { recursive: true });
    await writeFile(path.join(folder, 'folders', name, 'inside'), name);
  }
  await writeFile(path.join(folder, 'n'.repeat(255)), 'as long as a name can be');
  const deep = path.join(folder, ...Array.from({ length: 60 }, (_, i) => `level ${i}`));
  await mkdir(deep, { recursive: true });
  await writeFile(path.join(deep, 'deep'), 'deep');
  await writeFile(path.join(folder, 'empty'), '');
  for (const size of [1, 65_535, 65_536, 65_537, 1 << 20, (4 << 20) + 1]) await writeFile(path.join(folder, `${size} bytes`), patterned(size, size));
}

/** Bytes that differ everywhere and with every seed, so that none can be lost, doubled or moved unseen. */
export function patterned(sizeBytes: number, seed: number): Buffer {
  const data = Buffer.allocUnsafe(sizeBytes);
  let state = (seed * 2654435761) >>> 0;
  for (let i = 0; i < sizeBytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return data;
}

/** A file of any size whose every MiB is different. */
export async function makeLargeFile(file: string, sizeBytes: number): Promise<void> {
  await using handle = await open(file, 'w');
  const block = patterned(1 << 20, 1);
  for (let at = 0; at < sizeBytes; at += block.length) {
    block.writeDoubleBE(at, 0);
    await handle.write(block, 0, Math.min(block.length, sizeBytes - at));
  }
}

export async function md5Of(file: string): Promise<string> {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Path below the folder -> MD5 and size of every file, in order. */
export async function contentsOf(folder: string): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  for (const file of files.sort()) contents.set(path.relative(folder, file), await md5Of(file));
  return contents;
}

/** How two folders differ: a line for each file that is missing, extra or not the same, the first hundred of them. */
export function differences(wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const lines: string[] = [];
  for (const [name, md5] of wanted) {
    if (!found.has(name)) lines.push(`missing: ${JSON.stringify(name)}`);
    else if (found.get(name) !== md5) lines.push(`differs: ${JSON.stringify(name)}`);
  }
  for (const name of found.keys()) if (!wanted.has(name)) lines.push(`extra: ${JSON.stringify(name)}`);
  return lines.slice(0, 100);
}
