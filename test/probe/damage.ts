/** Ways to spoil a device's files behind the back of whoever has them open. */
import { closeSync, openSync, readdirSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';

export type Shelf = 'vol' | 'big';

/** Flips one bit of `needle` where a file of the device holds it; answers the file. Throws where none does. */
export function flipBit(device: string, shelf: Shelf, needle: Buffer): string {
  const file = findFile(device, shelf, needle);
  const at = readFileSync(file).indexOf(needle);
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.from([needle[0]! ^ 0x10]), 0, 1, at);
  closeSync(fd);
  return file;
}

/** Cuts the volume that holds `needle` off in the middle of it, as a crash cuts a write. */
export function tear(device: string, needle: Buffer): string {
  const file = findFile(device, 'vol', needle);
  truncateSync(file, readFileSync(file).indexOf(needle) + Math.floor(needle.length / 2));
  return file;
}

function findFile(device: string, shelf: Shelf, needle: Buffer): string {
  const folder = path.join(device, '0', shelf);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name));
  const found = files.find((file) => statSync(file).isFile() && readFileSync(file).includes(needle));
  if (found === undefined) throw new Error(`no file in ${folder} holds those bytes`);
  return found;
}
