/** XML of requests: read whatever its namespace, refused where it is dangerous or none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseXml } from './parse.ts';
import { escapeText } from './write.ts';

const parse = (text: string) => parseXml(Buffer.from(text), 'Root');

test('elements are found by name, once or many times, with their texts as they are', () => {
  const root = parse('<?xml version="1.0"?><s:Root xmlns:s="http://s3.amazonaws.com/doc/2006-03-01/"><Key> a &amp; b&#x41; </Key><Key/><Number>007</Number></s:Root>');
  assert.deepEqual(root.all('Key').map(({ text }) => text), [' a & bA ', '']);
  assert.deepEqual([root.textOf('Number'), root.textOf('Missing'), root.one('constructor')], ['007', undefined, undefined]);
  assert.equal(parse('<Root xmlns:xsi="x"><G xsi:type="Group"/></Root>').one('G')?.attribute('type'), 'Group');
});

test('document types, entities, depth and what is no XML are refused', () => {
  const deep = '<a>'.repeat(100) + '</a>'.repeat(100);
  for (const text of ['', 'x', '<Root>', '<Root></Other>', '<Other/>', '<!DOCTYPE Root [<!ENTITY a "b">]><Root>&a;</Root>', `<Root>${deep}</Root>`, '<Root/><Root/>x']) assert.throws(() => parse(text), { code: 'MalformedXML' }, text.slice(0, 40));
});

test('what XML cannot say is written as a reference', () => {
  assert.equal(escapeText('a<b>&"\u0001\n'), 'a&lt;b&gt;&amp;&quot;&#x1;\n');
});
