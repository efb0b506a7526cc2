/** Holds the tree to its own rules: every import follows an arrow, rooms are entered by their doors, names and sizes are in bounds. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ARROWS, FREE_ROOMS } from './arrows.ts';

const root = path.resolve(import.meta.dirname, '..');
const doors = (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { imports: Record<string, string> }).imports;
const files = (await Array.fromAsync(glob('**/*.ts', { cwd: root, exclude: (name) => name === 'node_modules' || name === 'data' }))).filter((file) => !file.endsWith('.d.ts')).sort();

interface Import {
  readonly file: string;
  readonly specifier: string;
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(IMPORT)].map((match) => ({ file, specifier: (match[1] ?? match[2] ?? match[3])! }));
}

function roomOf(file: string): string {
  const rooms = [...Object.keys(ARROWS), ...FREE_ROOMS].filter((room) => file.startsWith(`${room}/`));
  const room = rooms.sort((a, b) => b.length - a.length)[0];
  assert.ok(room !== undefined || !file.includes('/'), `${file} is in no room: give its folder a line in tools/arrows.ts`);
  return room ?? 'tools';
}

function isFree(room: string, file: string): boolean {
  return (FREE_ROOMS as readonly string[]).includes(room) || /\.(test|contract|bench|fixture)\.ts$/.test(file);
}

const imports = files.flatMap(importsOf);

test('the tree is read', () => {
  assert.ok(files.length > 50, `${files.length} files`);
  assert.ok(imports.some(({ specifier }) => specifier === '#common'));
});

test('every import that leaves its room follows an arrow', () => {
  const faults: string[] = [];
  for (const { file, specifier } of imports) {
    if (!specifier.startsWith('#')) continue;
    const door = doors[specifier];
    if (door === undefined) {
      faults.push(`${file} knocks at ${specifier}, which is no door of package.json`);
      continue;
    }
    const from = roomOf(file);
    const to = roomOf(door.slice(2));
    if (from === to || to === 'common' || isFree(from, file)) continue;
    if (!ARROWS[from]!.includes(to)) faults.push(`${file} uses ${to}, but there is no arrow from ${from} to ${to}`);
  }
  assert.deepEqual(faults, []);
});

test('rooms are entered by their doors: a relative import stays in its room', () => {
  const faults: string[] = [];
  for (const { file, specifier } of imports) {
    if (!specifier.startsWith('.')) continue;
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
    const [from, to] = [roomOf(file), roomOf(target)];
    const within = from === to || ARROWS[from]?.includes(to) === true;
    const ownHouse = path.posix.dirname(file) === from && to.startsWith(`${from}/`);
    if (!within && !ownHouse && !isFree(from, file)) faults.push(`${file} reaches into ${to} by ${specifier}; use its door`);
    if (specifier.startsWith('../../..') && !isFree(from, file)) faults.push(`${file} climbs three floors by ${specifier}`);
  }
  assert.deepEqual(faults, []);
});

test('files are kebab-case nouns of bounded size', () => {
  const faults: string[] = [];
  for (const file of files) {
    const base = path.basename(file);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|contract|bench|fixture|d))?\.ts$/.test(base)) faults.push(`${file} is not kebab-case`);
    if (/^(utils?|helpers?|misc|manager)\./.test(base)) faults.push(`${file} is named after nothing`);
    const lines = readFileSync(path.join(root, file), 'utf8').split('\n').length;
    if (lines > 400) faults.push(`${file} has ${lines} lines: it asks for a room of its own`);
  }
  assert.deepEqual(faults, []);
});

test('every source file says at its top what it is', () => {
  const silent = files.filter((file) => !file.endsWith('.test.ts') && !/^(#!.*\n)?\/\*\*/.test(readFileSync(path.join(root, file), 'utf8')));
  assert.deepEqual(silent, []);
});
