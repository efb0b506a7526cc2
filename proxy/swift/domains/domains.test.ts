import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, parseConfig } from '#common';
import type { Exchange, Step } from '#proxy/edge';
import { Refusal } from '../refusal.ts';
import { cnameLookup, type CnameResolver } from './cname.ts';
import { remapper, type DomainRemapSettings } from './remap.ts';

const settings = (more: object = {}): DomainRemapSettings => parseConfig({ swift: { domainRemap: { storageDomains: ['example.com', '.store.example'], ...more } } }).swift.domainRemap;

test('a host names an account, or a container of one', () => {
  const cases = [
    ['AUTH_a.example.com', '/', '/v1/AUTH_a/'],
    ['auth-a.example.com', '/c/o', '/v1/AUTH_a/c/o'],
    ['AUTH-a-b.example.com', '/', '/v1/AUTH_a-b/'],
    ['c.auth_a.example.com:8080', '/o', '/v1/AUTH_a/c/o'],
    ['c.AUTH-a.store.example', '/', '/v1/AUTH_a/c/'],
    ['c.AUTH_a.example.com', '/v1/x', '/v1/AUTH_a/c/v1/x'],
    [Buffer.from('한.AUTH_a.example.com').toString('latin1'), '/o%20o', '/v1/AUTH_a/%ED%95%9C/o%20o'],
  ] as const;
  for (const [host, path, remapped] of cases) assert.equal(remapper(settings())(host, path), remapped, host);
});

test('other domains and other resellers are left alone, too many names are refused', () => {
  for (const host of ['example.com', 'AUTH_a.example.org', '127.0.0.1:8080', '', 'KEY_a.example.com', 'a.example.com', 'AUTH_a.badexample.com']) {
    assert.equal(remapper(settings())(host, '/'), undefined, host);
  }
  assert.throws(() => remapper(settings())('x.c.AUTH_a.example.com', '/'), (error) => error instanceof Refusal && error.status === 400 && error.body === 'Bad domain in host header');
});

test('a default reseller and a path root, mangled where the operator says so', () => {
  assert.equal(remapper(settings({ defaultResellerPrefix: 'AUTH' }))('a.example.com', '/'), '/v1/AUTH_a/');
  assert.equal(remapper(settings({ resellerPrefixes: [] }))('any.example.com', '/'), '/v1/any/');
  assert.equal(remapper(settings({ mangleClientPaths: true }))('AUTH_a.example.com', '/v1/c'), '/v1/AUTH_a/c');
  assert.equal(remapper(settings({ mangleClientPaths: true }))('AUTH_a.example.com', '/v1'), '/v1/AUTH_a/');
  assert.equal(remapper(settings({ mangleClientPaths: true }))('AUTH_a.example.com', '/v10/c'), '/v1/AUTH_a/v10/c');
});

/** What a request to a host comes out as: the host that is seen behind, or the status and text of a refusal. */
async function seen(step: Step, host: string): Promise<string | undefined> {
  let answered: string | undefined;
  const exchange = { header: () => host, headers: { host }, derived: ({ headers }: { headers: { host: string } }) => ({ headers }) };
  const response = { destroyed: false, setHeader: () => undefined, removeHeader: () => undefined, writeHead: (status: number) => (answered = String(status)), end: (text: string) => (answered += ` ${text}`) };
  const ctx = { state: { exchange: exchange as unknown as Exchange }, res: response };
  await step(ctx as unknown as Parameters<Step>[0], () => Promise.resolve());
  return answered ?? (ctx.state.exchange.headers.host);
}

const NAMES: Readonly<Record<string, string>> = { 'www.client.org': 'c.AUTH_a.example.com', 'far.client.org': 'www.client.org', 'loop.org': 'loop.org', 'elsewhere.org': 'other.org' };

test('a domain that is a CNAME of ours is taken for the name it stands for', async () => {
  const asked: string[] = [];
  const resolve: CnameResolver = (name) => {
    asked.push(name);
    return name === 'broken.org' ? Promise.reject(new Error('no name server')) : Promise.resolve(NAMES[name]);
  };
  const clock = new ManualClock();
  const open = (lookupDepth: number): Step => cnameLookup({ storageDomains: ['example.com'], lookupDepth, nameservers: [] }, resolve, clock);
  const step = open(1);
  assert.equal(await seen(step, 'www.client.org:8080'), 'c.AUTH_a.example.com:8080');
  for (const ours of ['c.AUTH_a.example.com', 'example.com', '127.0.0.1:80', '[::1]:80', '']) assert.equal(await seen(step, ours), ours);
  assert.deepEqual(asked, ['www.client.org'], 'what is ours is not looked up');
  await seen(step, 'www.client.org');
  assert.equal(asked.length, 1, 'an answer is kept');
  clock.wind(61_000);
  await seen(step, 'www.client.org');
  assert.equal(asked.length, 2, 'but not for ever');
  assert.equal(await seen(open(2), 'far.client.org'), 'c.AUTH_a.example.com');
});

test('a domain that leads nowhere is refused', async () => {
  const step = cnameLookup({ storageDomains: ['example.com'], lookupDepth: 1, nameservers: [] }, (name) => (name === 'broken.org' ? Promise.reject(new Error('x')) : Promise.resolve(NAMES[name])), new ManualClock());
  for (const host of ['nobody.org', 'loop.org', 'broken.org']) assert.equal(await seen(step, host), '400 CNAME lookup failed to resolve to a valid domain', host);
  for (const host of ['far.client.org', 'elsewhere.org']) assert.equal(await seen(step, host), '400 CNAME lookup failed after 1 tries', host);
});
