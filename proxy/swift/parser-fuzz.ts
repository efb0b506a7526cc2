/**
 * Everything in this dialect that reads what a client wrote, fed with what no client should write. Each input must be taken or refused in the
 * dialect's own words: no other fault, no 5xx, no hang, and no memory kept.
 *
 *   node --expose-gc proxy/swift/parser-fuzz.ts [--inputs 1000000] [--seed 7]
 *
 * Inputs are sound examples that are cut, doubled, mixed and flipped at random: what is near to sound goes deeper than noise.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { parseArgs } from 'node:util';
import { isStoreError, type Timestamp } from '#common';
import { formatHttpDate, matchesEtag, parseHttpDate, parseQuery, parseRange, percentDecode, percentEncodePath, splitTarget } from '#common/http';
import { bodyOfBuffer } from '#common/stream';
import { parseDynamic, parseListed } from '#proxy/core';
import { DEFAULT_POLICY, PolicySet } from '#ring';
import { pack } from 'tar-stream';
import { ACCOUNT_ACL, accountAclOf, cleanAccountAcl } from './account/acl.ts';
import { cleanAcl, parseAcl, referrerAllowed } from './acl.ts';
import { drain, tarEntries } from './bulk/tar-entries.ts';
import { checkMetadataHeaders, checkNameLength } from './constraints.ts';
import { SyncRealms } from './container-sync/realms.ts';
import { dynamicMetadata } from './dlo/header.ts';
import { remapper } from './domains/remap.ts';
import { refusalOf } from './errors.ts';
import { bytesOf, isForm, partsOf } from './formpost/parts.ts';
import { containerRows, formatListing, listingFormat, OBJECT_ROWS } from './listing/format.ts';
import { listingQuery } from './listing/query.ts';
import { expiryMetadata } from './object/expiry.ts';
import { storedMetadata } from './object/headers.ts';
import { parsePathHeader } from './object/path-headers.ts';
import { checkQuotaHeaders } from './quotas/container.ts';
import { Refusal } from './refusal.ts';
import { decodePath, decodeQuery, parseTarget } from './request.ts';
import { parseManifest, rangeWithin } from './slo/parse.ts';
import { isInRange } from './tempurl/ip-range.ts';
import { tempUrlOf } from './tempurl/parameters.ts';
import { parseSignature } from './tempurl/signature.ts';

type Below = (bound: number) => number;

interface Subject {
  readonly name: string;
  /** Of a thousand inputs, how many. */
  readonly weight: number;
  /** Sound inputs, a character a byte. */
  readonly samples: readonly string[];
  /** Throws refusals and nothing else; what it asserts of an answer it throws as an Error. */
  readonly run: (text: string, below: Below) => unknown;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly taken: number;
  readonly refused: number;
  readonly slowestMs: number;
  /** Of the heap, from a tenth of the way to the end; undefined where garbage is not collected on request. */
  readonly grownBytes: number | undefined;
}

/** No input may take longer: each is a few kilobytes. */
const LIMIT_MS = 1000;
const MAX_INPUT = 20_000;

const policies = new PolicySet([DEFAULT_POLICY]);
const realms = new SyncRealms({ realms: { us: { key: 'k', clusters: { dfw: 'https://host/v1/' } } }, intervalSeconds: 1, concurrency: 1 });
const remap = { storageDomains: ['example.com'], pathRoot: 'v1', resellerPrefixes: ['AUTH'], defaultResellerPrefix: undefined, mangleClientPaths: false };

function claim(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** A header block, a line a header. */
function headersOf(text: string): IncomingHttpHeaders {
  return Object.fromEntries(text.split('\n').map((line) => [line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
}

const FORM_TYPE = 'multipart/form-data; boundary=xx';
const form = (...parts: string[]): string => `${parts.map((part) => `--xx\r\nContent-Disposition: form-data; ${part}\r\n`).join('')}--xx--\r\n`;

const TEXTS: readonly Subject[] = [
  { name: 'targets', weight: 90, samples: ['/v1/AUTH_test/c/o', '/v1/AUTH_test/c/%ED%95%9C/%2F//x?format=json&limit=5', 'http://h/v1/a/c', '/v1//c/o', '/v1.0/a', '/info?swiftinfo_sig=x'], run: (text) => {
    const { path, query } = splitTarget(text);
    const decoded = percentDecode(path);
    if (decoded !== undefined) claim(percentDecode(percentEncodePath(decoded)) === decoded, 'an encoded path decodes to itself');
    decodeQuery(query);
    decodePath(path);
    const { container, object } = parseTarget(path);
    if (container !== undefined) checkNameLength('container', container);
    if (object !== undefined) checkNameLength('object', object);
  } },
  { name: 'listing parameters', weight: 90, samples: ['limit=10&marker=a&end_marker=z&prefix=p&delimiter=/&reverse=true', 'limit=10000&format=xml', 'path=a/b/&delimiter=-%26', 'limit=0&reverse=yes&format=plain', 'marker=%00%ff&limit=99999999999999999999'], run: (text) => {
    const query = parseQuery(text);
    if (query === undefined) return;
    const { limit } = listingQuery(query, 10_000);
    claim(Number.isInteger(limit) && limit >= 0 && limit <= 10_000, 'a limit is within its bounds');
    listingFormat(query.get('format'), query.get('marker'));
  } },
  { name: 'Accept', weight: 30, samples: ['text/plain, application/json;q=0.5, */*;q=0', 'application/xml', 'text/*;q=0.1,text/xml;level=1', '*/*'], run: (text) => listingFormat(undefined, text) },
  { name: 'ranges', weight: 110, samples: ['bytes=0-1', 'bytes=-5', 'bytes=5-', 'bytes=0-0,2-2,5-9', 'BYTES = 0 - 999', 'bytes=0-1,1-2,0-9', 'bytes=99999999999999999999-'], run: (text, below) => {
    const size = below(1000);
    for (const { start, end } of parseRange(text, size) ?? []) claim(start >= 0 && start < end && end <= size, 'a range lies within its object');
  } },
  { name: 'container ACLs', weight: 90, samples: ['.r:*,.rlistings', '.r:*,.r:-.thief.example.com,test:tester', 'AUTH_test:*,*:*', '.referrer : .example.com , x', '.ref:*', 'test2:tester2,,'], run: (text, below) => {
    referrerAllowed('http://a.example.com/x', parseAcl(cleanAcl(below(2) === 0 ? 'X-Container-Read' : 'X-Container-Write', text)));
  } },
  { name: 'referers', weight: 20, samples: ['http://a.example.com/x', 'https://user@host:80/', '::::', 'http://[::1]/'], run: (text) => referrerAllowed(text, parseAcl('.r:*,.r:-.example.com')) },
  { name: 'account ACLs', weight: 50, samples: ['{"admin":["a"],"read-write":["*"],"read-only":[]}', '{}', '{"admin":[1]}', '{"__proto__":["a"],"constructor":[]}', '[]', 'null'], run: (text) => {
    const clean = cleanAccountAcl(text);
    // One that grants nothing is taken away, not kept.
    if (clean !== '') accountAclOf({ [ACCOUNT_ACL]: clean });
  } },
  { name: 'manifests', weight: 100, samples: ['[{"path":"c/o","etag":"d41d8cd98f00b204e9800998ecf8427e","size_bytes":5,"range":"0-3"}]', '[{"path":"/c/o"},{"data":"aGVsbG8="}]', '[{"path":"c/a","range":"-5"},{"path":"c/b","range":"5-"}]', '[]', '{"path":1}', `[${'{"path":"c/o"},'.repeat(30)}{}]`], run: (text, below) => {
    for (const segment of parseManifest(text, 'c/self')) if ('range' in segment && segment.range !== undefined) rangeWithin(segment.range, below(100));
  } },
  { name: 'dates', weight: 60, samples: ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'], run: (text) => {
    const seconds = parseHttpDate(text);
    if (seconds !== undefined && seconds >= 0 && seconds < 4e9) claim(parseHttpDate(formatHttpDate(seconds)) === seconds, 'a date reads as it was written');
  } },
  { name: 'entity tags', weight: 30, samples: ['"x", W/"y", *', 'd41d8cd98f00b204e9800998ecf8427e', '""', ',,,'], run: (text) => matchesEtag(text, ['x', 'd41d8cd98f00b204e9800998ecf8427e']) },
  { name: 'object headers', weight: 90, samples: ['x-object-meta-colour: blue\ncontent-type: text/plain\nx-delete-at: 2000000000', 'x-delete-after: 60\ncontent-encoding: gzip', 'x-object-meta-: y\nx-delete-at: soon', 'x-object-manifest: c/p\nx-object-meta-a: \xed\x95\x9c'], run: (text) => {
    const headers = headersOf(text);
    checkMetadataHeaders('object', headers);
    expiryMetadata(headers, 1_700_000_000_000);
    dynamicMetadata(typeof headers['x-object-manifest'] === 'string' ? headers['x-object-manifest'] : undefined);
    storedMetadata(headers);
  } },
  { name: 'container headers', weight: 40, samples: ['x-container-meta-quota-bytes: 10\nx-container-meta-quota-count: x', 'x-container-meta-a: b\nx-remove-container-meta-a: x'], run: (text) => {
    const headers = headersOf(text);
    checkQuotaHeaders(headers);
    checkMetadataHeaders('container', headers);
  } },
  { name: 'paths in headers', weight: 50, samples: ['c/o', '/c/%ED%95%9C', 'c', '/', 'c/%00', 'dealde%2Fl04 011e%204c8df/flash.png'], run: (text) => {
    parsePathHeader('Destination', text);
    parseDynamic(text);
  } },
  { name: 'temporary URLs', weight: 60, samples: ['temp_url_sig=da39a3ee5e6b4b0d3255bfef95601890afd80709&temp_url_expires=1900000000', 'temp_url_sig=sha512:AAAA&temp_url_expires=2026-01-31T12:00:00Z&temp_url_prefix=a&filename=x&inline', 'temp_url_expires=2026-02-31T12:00:00Z&temp_url_sig=x&temp_url_ip_range=10.0.0.0/8'], run: (text) => {
    const url = tempUrlOf(parseQuery(text) ?? new Map(), 1_700_000_000_000);
    if (url === undefined || url === 'invalid') return;
    parseSignature(url.signature, ['sha1', 'sha256', 'sha512']);
    isInRange('10.1.2.3', url.ipRange ?? '');
  } },
  { name: 'hosts', weight: 20, samples: ['c.AUTH-test.example.com', 'AUTH-test.example.com:8080', 'a.b.c.example.com', 'example.com'], run: (text) => remapper(remap)(text, '/o') },
  { name: 'sync targets', weight: 20, samples: ['//us/dfw/AUTH_test/c', '//us/dfw/a', 'https://h/v1/a/c', '//us//a/c'], run: (text) => {
    realms.verifies(text, { method: 'PUT', path: '/v1/a/c/o', timestamp: '1', userKey: 'k' });
    realms.target(text);
  } },
  { name: 'listed tags', weight: 20, samples: ['d41d8cd98f00b204e9800998ecf8427e', 'x;manifest=y;link=a/c/o;etag=z;bytes=5', ';;=;link=%'], run: (text) => parseListed(text) },
  { name: 'listings', weight: 30, samples: ['plain', 'a<b>&"\'\t\n', '\xed\x95\x9c', '\x00\x01\x1f'], run: (text) => {
    const at = 170_000_000_000_000 as Timestamp;
    const name = Buffer.from(text, 'latin1').toString('utf8');
    const row = { name, bytes: 1, count: 1, contentType: name, timestamp: at, metaTimestamp: at, deleted: false, policy: 0, etag: 'x' };
    const listed = JSON.parse(formatListing('application/json', [row, { subdir: name }], OBJECT_ROWS, { element: 'container', name })) as { name: string }[];
    claim(listed[0]!.name === name.toWellFormed() || listed[0]!.name === name, 'a listed name is the name');
    formatListing('application/xml', [row], containerRows(policies), { element: 'account', name });
  } },
];

/** Read as streams: each costs a hundred times as much. */
const STREAMS: readonly Subject[] = [
  { name: 'forms', weight: 8, samples: [form('name="redirect"\r\n\r\nhttp://x', 'name="max_file_size"\r\n\r\n10', 'name="file1"; filename="a"\r\nContent-Type: text/plain\r\n\r\nhello'), form('name="expires"\r\n\r\n'), '--xx--\r\n'], run: async (text, below) => {
    const headers = { 'content-type': below(4) > 0 ? FORM_TYPE : text.slice(0, 80) };
    if (!isForm(headers)) return;
    for await (const part of partsOf(headers, bodyOfBuffer(Buffer.from(text, 'latin1')))) if (part.kind === 'file') for await (const _ of bytesOf(part));
  } },
  { name: 'archives', weight: 8, samples: [], run: async (text) => {
    try {
      for await (const entry of tarEntries(bodyOfBuffer(Buffer.from(text, 'latin1')).chunks())) await drain(entry);
    } catch (error) {
      // Whatever is wrong with an archive is said in the report of the upload: any Error is a refusal here.
      if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error;
      throw new Refusal(400, error.message);
    }
  } },
];

async function sampleArchive(): Promise<string> {
  const tar = pack();
  tar.entry({ name: 'c/o' }, 'hello');
  tar.entry({ name: `c/${'long'.repeat(60)}`, pax: { 'SCHILY.xattr.user.mime_type': 'text/plain' } }, 'x'.repeat(600));
  tar.entry({ name: 'link', type: 'symlink', linkname: 'c/o' });
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

const SPICES = ['', '\0', '\r\n', '%', '%00', '%ff', '"', "'", ',', ';', '=', '/', '//', '-', ':', '\xff', '\xed\xa0\x80', '__proto__', 'constructor', '9'.repeat(25), '-1', '1e309', 'NaN', '[', ']', '{', '}', '\\u0000', ' '.repeat(50), 'a'.repeat(500)];

/** A few changes to a sample, or to two of them run together; now and then a long one. */
function mutated(samples: readonly string[], below: Below): string {
  let text = samples[below(samples.length)]!;
  if (below(8) === 0) text += samples[below(samples.length)]!;
  for (let changes = below(5); changes > 0; changes--) {
    const at = below(text.length + 1);
    const kind = below(5);
    if (kind === 0) text = text.slice(0, at) + SPICES[below(SPICES.length)]! + text.slice(at);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + below(8));
    else if (kind === 2) text = text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + 1);
    else if (kind === 3) text = text.slice(0, at) + text.slice(below(at + 1));
    else if (below(50) === 0) text = text.repeat(1 + below(20));
  }
  return text.slice(0, MAX_INPUT);
}

/** Mulberry32: small, and the same everywhere. */
function belowOf(seed: number): Below {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

/** Throws at the first input that is answered otherwise than it may be, with the input. */
export async function fuzz({ inputs, seed }: { inputs: number; seed: number }): Promise<FuzzReport> {
  const below = belowOf(seed);
  const archive = await sampleArchive();
  const subjects = [...TEXTS, ...STREAMS].map((subject) => (subject.samples.length === 0 ? { ...subject, samples: [archive] } : subject));
  const wheel = subjects.flatMap((subject) => Array.from({ length: subject.weight }, () => subject));
  const collect = globalThis.gc;
  const counts = { taken: 0, refused: 0 };
  let slowestMs = 0;
  let heapBytes = 0;
  for (let i = 0; i < inputs; i++) {
    if (i === Math.floor(inputs / 10)) heapBytes = await heapAfter(collect);
    const subject = wheel[below(wheel.length)]!;
    const text = mutated(subject.samples, below);
    const began = performance.now();
    try {
      const running = subject.run(text, below);
      if (running instanceof Promise) await within(running);
      counts.taken++;
    } catch (error) {
      const status = error instanceof Refusal ? error.status : isStoreError(error) ? refusalOf(error).status : 500;
      if (status >= 500) throw new Error(`input ${i} of seed ${seed}, ${subject.name}: ${(error as Error).message}\n${JSON.stringify(text)}`, { cause: error });
      counts.refused++;
    }
    const tookMs = performance.now() - began;
    slowestMs = Math.max(slowestMs, tookMs);
    if (tookMs > LIMIT_MS) throw new Error(`input ${i} of seed ${seed}, ${subject.name}, took ${tookMs.toFixed(0)} ms\n${JSON.stringify(text)}`);
  }
  return { inputs, ...counts, slowestMs, grownBytes: collect === undefined ? undefined : (await heapAfter(collect)) - heapBytes };
}

/** A stream that nothing moves any more would be waited for until the process ends. */
async function within(running: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error('it hangs')), 5 * LIMIT_MS)));
  try {
    await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function heapAfter(collect: (() => void | Promise<void>) | undefined): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  await collect?.();
  return process.memoryUsage().heapUsed + process.memoryUsage().external;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string', default: String(Date.now() % 2 ** 31) } } });
  const began = performance.now();
  const report = await fuzz({ inputs: Number(values.inputs), seed: Number(values.seed) });
  const grown = report.grownBytes === undefined ? 'growth not measured' : `heap grew by ${(report.grownBytes / 1024).toFixed(0)} KiB`;
  process.stdout.write(`seed ${values.seed}: ${report.inputs} inputs in ${((performance.now() - began) / 1000).toFixed(1)} s: ${report.taken} taken, ${report.refused} refused, the slowest ${report.slowestMs.toFixed(1)} ms, ${grown}\n`);
}
