/** Listings in text, JSON and XML of names that the forms are not made for: every one parses, and tells the names apart. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestCluster } from '../../support/index.ts';
import { CONTROL_NAMES, ODD_NAMES } from './odd-tree.ts';

const NAMES: readonly string[] = [...ODD_NAMES, ...CONTROL_NAMES, '\x01start of heading', 'a\x01', 'a\x02', '\ufffe', 'x/<&>"', 'x/\x01', 'y\nz/1', 'next\x85line', 'separator\u2028s', '\ufdd0', '\ufeffmark'];
const UTF8_TYPE = Buffer.from('text/한국어; title="é"').toString('latin1');

let cluster: TestCluster;
let url: string;
let headers: Record<string, string>;

before(async () => {
  cluster = await TestCluster.start();
  const { url: account, token } = await cluster.login();
  headers = { 'X-Auth-Token': token };
  url = `${account}/${encodeURIComponent('c<&>"\n한')}`;
  assert.equal((await fetch(url, { method: 'PUT', headers })).status, 201);
  for (const name of NAMES) assert.equal((await put(name)).status, 201, name);
});

after(() => cluster[Symbol.asyncDispose]());

function put(name: string, more: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/${encodeURIComponent(name)}`, { method: 'PUT', headers: { ...headers, ...more }, body: name });
}

async function list(query: string, more: Record<string, string> = {}): Promise<{ status: number; type: string | null; text: string }> {
  const answer = await fetch(`${url}?${query}`, { headers: { ...headers, ...more } });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
}

const inOrder = (names: readonly string[]): string[] => [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** The least that an XML parser does: refuses what XML 1.0 forbids, takes the text of each element of a kind, and resolves references. */
function elementsOf(xml: string, element: string): string[] {
  assert.doesNotMatch(xml, /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/);
  assert.doesNotMatch(xml, /&(?!amp;|lt;|gt;|quot;|#9;|#10;|#13;)/);
  const resolve = (text: string): string =>
    text.replace(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string | undefined) => (code === undefined ? ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name!]! : String.fromCharCode(Number(code))));
  return [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map((match) => resolve(match[1]!));
}

test('JSON names every object exactly, in the order of its bytes', async () => {
  const { text, type } = await list('format=json');
  assert.equal(type, 'application/json; charset=utf-8');
  const rows = JSON.parse(text) as { name: string; bytes: number }[];
  assert.deepEqual(rows.map(({ name }) => name), inOrder(NAMES));
  for (const { name, bytes } of rows) assert.equal(bytes, Buffer.byteLength(name));
});

test('XML is well-formed whatever the names: what it cannot hold is shown as U+FFFD, all else exactly', async () => {
  const { text, type } = await list('format=xml');
  assert.equal(type, 'application/xml; charset=utf-8');
  const shown = inOrder(NAMES).map((name) => name.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd'));
  assert.deepEqual(elementsOf(text, 'name'), shown);
  assert.match(text, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<container name="c&lt;&amp;&gt;&quot;&#10;한">/);
});

test('subdirectories with odd names are rolled up in every form', async () => {
  const json = JSON.parse((await list('format=json&delimiter=/')).text) as { subdir?: string }[];
  assert.deepEqual(json.flatMap(({ subdir }) => subdir ?? []), inOrder(['x/', 'y\nz/']));
  const xml = (await list('format=xml&delimiter=/')).text;
  assert.match(xml, /<subdir name="y&#10;z\/"><name>y&#10;z\/<\/name><\/subdir>/);
  const inside = (await list('format=xml&prefix=x/')).text;
  assert.deepEqual(elementsOf(inside, 'name'), ['x/\ufffd', 'x/<&>"']);
});

test('text has a line a name, and nothing at all where there is none', async () => {
  assert.equal((await list('')).text, inOrder(NAMES).map((name) => `${name}\n`).join(''));
  const none = await list('prefix=none');
  assert.deepEqual([none.status, none.text], [204, '']);
  assert.deepEqual((await list('prefix=none&format=json')).text, '[]');
});

test('every name is a marker, from the front and from the back', async () => {
  const sorted = inOrder(NAMES);
  for (const [i, name] of sorted.entries()) {
    const after = JSON.parse((await list(`format=json&limit=2&marker=${encodeURIComponent(name)}`)).text) as { name: string }[];
    assert.deepEqual(after.map((row) => row.name), sorted.slice(i + 1, i + 3), JSON.stringify(name));
    const before = JSON.parse((await list(`format=json&limit=2&reverse=on&marker=${encodeURIComponent(name)}`)).text) as { name: string }[];
    assert.deepEqual(before.map((row) => row.name), sorted.slice(Math.max(0, i - 2), i).reverse(), JSON.stringify(name));
    const prefixed = JSON.parse((await list(`format=json&prefix=${encodeURIComponent(name)}`)).text) as { name: string }[];
    assert.deepEqual(prefixed.map((row) => row.name), sorted.filter((other) => other.startsWith(name)), JSON.stringify(name));
  }
});

test('markers, prefixes and delimiters of odd bytes are refused or match nothing, never everything', async () => {
  for (const query of ['marker=%ff', 'prefix=%c3', 'delimiter=%ed%a0%80', 'end_marker=%ff', 'path=%ff', '%ff=x']) assert.equal((await list(query)).status, 400, query);
  for (const query of ['prefix=%00', 'prefix=zz%00', 'marker=%f4%8f%bf%bf%f4%8f%bf%bf', 'end_marker=%00']) assert.equal((await list(query)).text, '', query);
  assert.equal((await list('marker=%00')).text.split('\n')[0], inOrder(NAMES)[0]!.split('\n')[0]);
  assert.equal((await list('delimiter=%00')).status, 200);
  assert.equal((await list('limit=0')).text, '');
  for (const query of ['limit=10001', 'limit=99999999999999999999']) assert.equal((await list(query)).status, 412, query);
  for (const query of ['limit=-1', 'limit=x', 'limit=1e1', 'limit=']) assert.equal((await list(query)).status, 200, query);
});

test('Accept chooses the form, a format parameter overrules it', async () => {
  const type = async (accept: string, query = ''): Promise<string | number> => {
    const answer = await list(query, { Accept: accept });
    return answer.status === 200 ? answer.type!.split(';')[0]! : answer.status;
  };
  assert.equal(await type('*/*'), 'text/plain');
  assert.equal(await type('text/*'), 'text/plain');
  assert.equal(await type('application/*'), 'application/json');
  assert.equal(await type('application/json'), 'application/json');
  assert.equal(await type('APPLICATION/XML'), 'application/xml');
  assert.equal(await type('text/xml'), 'text/xml');
  assert.equal(await type('text/xml;q=0.5, application/json;q=0.9, */*;q=0.1'), 'application/json');
  assert.equal(await type('text/plain;q=0, */*'), 'application/json');
  assert.equal(await type('application/xml ; q=0.2 , text/plain;q=0.1'), 'application/xml');
  assert.equal(await type('image/png'), 406);
  assert.equal(await type('*/*;q=0'), 406);
  assert.equal(await type('nonsense'), 400);
  assert.equal(await type('image/png', 'format=json'), 'application/json');
  assert.equal(await type('application/json', 'format=XML'), 'application/xml');
  assert.equal(await type('application/json', 'format=constructor'), 'text/plain');
});

test('content types are listed as text, and kept as they came', async () => {
  assert.equal((await put('typed', { 'Content-Type': UTF8_TYPE })).status, 201);
  const [row] = JSON.parse((await list('format=json&prefix=typed')).text) as [{ content_type: string }];
  assert.equal(row.content_type, 'text/한국어; title="é"');
  assert.deepEqual(elementsOf((await list('format=xml&prefix=typed')).text, 'content_type'), ['text/한국어; title="é"']);
  const head = await fetch(`${url}/typed`, { method: 'HEAD', headers });
  assert.equal(head.headers.get('content-type'), UTF8_TYPE);
});
