import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDisposition } from './disposition.ts';
import { headerRule } from './header-rules.ts';
import { isInRange } from './ip-range.ts';
import { tempUrlOf } from './parameters.ts';
import { isSignedWith, parseSignature, type Digest } from './signature.ts';

const ALL: readonly Digest[] = ['sha1', 'sha256', 'sha512'];
const NOW = 1_700_000_000_000;

test('a signature is hex of a digest’s length, or names its digest and is base64 of either kind', () => {
  const bytes = Buffer.alloc(32, 0xfb);
  const hex = bytes.toString('hex');
  assert.deepEqual(parseSignature('a'.repeat(40), ALL), { digest: 'sha1', hex: 'a'.repeat(40) });
  assert.deepEqual(parseSignature(hex, ALL), { digest: 'sha256', hex });
  for (const text of [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('base64').replace(/=+$/, '')]) assert.deepEqual(parseSignature(`sha256:${text}`, ALL), { digest: 'sha256', hex }, text);
  for (const junk of ['', 'zz', 'a'.repeat(39), 'g'.repeat(40), `sha1:${bytes.toString('base64')}`, `md5:${bytes.toString('base64')}`, 'sha256:', 'sha256:%%%%', ':', `sha256:${hex}`]) assert.equal(parseSignature(junk, ALL), undefined, junk);
  assert.equal(parseSignature('a'.repeat(40), ['sha256', 'sha512']), undefined, 'a digest that is not allowed');
});

test('a message is signed with the key and the digest that say so, and with no other', () => {
  const signature = { digest: 'sha1', hex: '61d13edd1a2ff2ba2c4a4bb5a4a2e4b6e1a1a9aa' } as const;
  assert.equal(isSignedWith('key', signature, 'GET\n1\n/v1/a/c/o'), false);
  // RFC 2202, test case 2.
  assert.equal(isSignedWith('Jefe', { digest: 'sha1', hex: 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79' }, 'what do ya want for nothing?'), true);
  assert.equal(isSignedWith('jefe', { digest: 'sha1', hex: 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79' }, 'what do ya want for nothing?'), false);
});

test('an expiry is seconds or a moment in ISO form; what is over or neither opens nothing', () => {
  const of = (expires: string) => {
    const url = tempUrlOf(new Map([['temp_url_sig', 'x'], ['temp_url_expires', expires]]), NOW);
    return typeof url === 'object' ? url.expires : url;
  };
  assert.equal(of('1700000000'), 1_700_000_000);
  assert.equal(of('2023-11-14T22:13:20Z'), 1_700_000_000);
  for (const over of ['1699999999', '2023-11-14T22:13:19Z', '0', '-1', 'soon', '2023-02-31T00:00:00Z', '2023-13-01T00:00:00Z', '2030-01-01T00:00:00', '2030-01-01 00:00:00Z', '1e12', '']) assert.equal(of(over), 'invalid', over);
  assert.equal(tempUrlOf(new Map(), NOW), undefined);
  assert.equal(tempUrlOf(new Map([['temp_url_sig', 'x']]), NOW), 'invalid');
  assert.equal(tempUrlOf(new Map([['temp_url_expires', '1800000000']]), NOW), 'invalid');
});

test('an address is in a range of its own family', () => {
  for (const [address, range] of [['127.0.0.1', '127.0.0.1'], ['10.1.2.3', '10.0.0.0/8'], ['::ffff:10.1.2.3', '10.0.0.0/8'], ['2001:db8::1', '2001:db8::/32'], ['1.2.3.4', '0.0.0.0/0']] as const) assert.equal(isInRange(address, range), true, range);
  for (const [address, range] of [['127.0.0.1', '127.0.0.2'], ['11.1.2.3', '10.0.0.0/8'], ['10.1.2.3', '::/0'], ['10.1.2.3', '10.0.0.0/33'], ['10.1.2.3', '10.0.0.0/'], ['10.1.2.3', 'x'], ['10.1.2.3', ''], ['', '10.0.0.0/8']] as const) assert.equal(isInRange(address, range), false, range);
});

test('headers pass unless a rule removes them, exceptions first', () => {
  const passes = headerRule(['x-object-meta-*', 'x-timestamp'], ['x-object-meta-public-*']);
  assert.deepEqual(['x-object-meta-a', 'x-object-meta-public-a', 'x-timestamp', 'x-timestamp-2', 'etag'].map(passes), [false, true, false, true, true]);
});

test('a download is named by the URL, else by the object', () => {
  const url = { signature: '', expires: 1_700_000_000, prefix: undefined, ipRange: undefined, filename: undefined, inline: false };
  const of = (more: object, own?: string, object = 'a/b c.txt') => withDisposition(own === undefined ? {} : { 'Content-Disposition': own }, { ...url, ...more }, object)['Content-Disposition'];
  assert.equal(of({}), `attachment; filename="b c.txt"; filename*=UTF-8''b%20c.txt`);
  assert.equal(of({}, undefined, 'dir//'), `attachment; filename="dir"; filename*=UTF-8''dir`);
  assert.equal(of({}, 'attachment; own'), 'attachment; own');
  assert.equal(of({ filename: 'x"\r\ny/한' }, 'own'), `attachment; filename="x%22%0D%0Ay/%ED%95%9C"; filename*=UTF-8''x%22%0D%0Ay/%ED%95%9C`);
  assert.equal(of({ inline: true }, 'own'), 'inline');
  assert.equal(of({ inline: true, filename: 'x' }), `inline; filename="x"; filename*=UTF-8''x`);
  assert.equal(withDisposition({}, url, 'o')['Expires'], 'Tue, 14 Nov 2023 22:13:20 GMT');
  assert.equal(withDisposition({}, { ...url, expires: 10 ** 15 - 1 }, 'o')['Expires'], 'Fri, 31 Dec 9999 23:59:59 GMT');
});
