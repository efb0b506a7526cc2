import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampFromMs } from '#common';
import { listingPage, noListingPage, readableSize } from './pages.ts';
import { siteOf } from './site.ts';

const at = timestampFromMs(Date.UTC(2026, 0, 31, 12, 30, 5));
const object = (name: string, bytes: number, contentType = 'text/plain') => ({ name, bytes, contentType, timestamp: at, metaTimestamp: at, deleted: false, count: 0, policy: 0, etag: '' });

test('a listing has its subdirectories first, names escaped and links encoded', () => {
  const page = listingPage(siteOf({}), { label: '/v1/a/c/<d>/', prefix: 'd/' }, [object('d/a "<&>\'?#.txt', 2048), { subdir: 'd/sub dir/' }]);
  assert.ok(page.includes('<title>Listing of /v1/a/c/&lt;d&gt;/</title>'));
  assert.ok(page.includes('<a href="../">../</a>'));
  assert.ok(page.includes('<a href="a%20%22%3C%26%3E%27%3F%23.txt">a &quot;&lt;&amp;&gt;&#x27;?#.txt</a>'));
  assert.ok(page.includes('<tr class="item type-text type-plain">'));
  assert.ok(page.includes('<td class="colsize">2Ki</td>\n    <td class="coldate">2026-01-31 12:30:05</td>'));
  assert.ok(page.indexOf('<a href="sub%20dir/">sub dir/</a>') < page.indexOf('.txt'));
  assert.ok(!listingPage(siteOf({}), { label: '/', prefix: '' }, []).includes('../'));
});

test('a style sheet is found from every directory', () => {
  const href = (css: string, prefix: string) => /href="([^"]*)" \/>/.exec(listingPage(siteOf({ 'user:web-listings-css': css }), { label: '', prefix }, []))?.[1];
  assert.equal(href('list.css', ''), 'list.css');
  assert.equal(href('list.css', 'a/b/'), '../../list.css');
  assert.equal(href('/x/y"z.css', 'a/'), '/x/y%22z.css');
  assert.equal(href('https://x.example/a.css', 'a/'), 'https://x.example/a.css');
});

test('where listings are disabled the page says so, and names an index that is missing', () => {
  const page = noListingPage(siteOf({ 'user:web-index': '<i>.html' }), { label: '/', prefix: '' });
  assert.match(page, /Web Listing Disabled/);
  assert.match(page, /X-Container-Meta-Web-Index: &lt;i&gt;\.html/);
  assert.doesNotMatch(noListingPage(siteOf({}), { label: '/', prefix: '' }), /Index File Not Found/);
});

test('sizes are read by people', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 10 * 1024 ** 2, 5 * 1024 ** 3].map(readableSize), ['0', '1023', '1Ki', '2Ki', '10Mi', '5Gi']);
});
