import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { loadConfig } from './config.ts';

function withFile(text: string, use: (file: string) => void): void {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gori-config-'));
  try {
    const file = path.join(folder, 'gori.yaml');
    writeFileSync(file, text);
    use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('without a file everything has a default', () => {
  const config = loadConfig(undefined);
  assert.equal(config.proxy.port, 8080);
  assert.equal(config.proxy.host, '127.0.0.1');
  assert.deepEqual(config.roles, ['proxy', 'storage']);
  assert.equal(config.embedded.devices, 4);
});

test('the command line wins over the file, and data counts from the file', () => {
  withFile('proxy: {port: 9000}\ndata: store\n', (file) => {
    assert.equal(loadConfig(file).proxy.port, 9000);
    assert.equal(loadConfig(file).data, path.join(path.dirname(file), 'store'));
    assert.equal(loadConfig(file, { port: 7, data: '/elsewhere' }).proxy.port, 7);
    assert.equal(loadConfig(file, { data: '/elsewhere' }).data, '/elsewhere');
  });
});

test('all faults of a file are named at once', () => {
  withFile('proxy: {port: 70000}\nlogs: {}\nauth: {tempauth: {users: [{account: a}]}}\n', (file) => {
    assert.throws(() => loadConfig(file), (error: Error) => {
      for (const word of ['proxy.port', 'logs', 'auth.tempauth.users.0.user', 'auth.tempauth.users.0.key']) assert.match(error.message, new RegExp(word.replaceAll('.', '\\.')));
      return true;
    });
  });
});

test('a file that is not YAML, or not there, is one clear fault', () => {
  withFile('a: [', (file) => assert.throws(() => loadConfig(file), /is not YAML/));
  assert.throws(() => loadConfig('/nowhere/gori.yaml'), /cannot read the configuration \/nowhere\/gori\.yaml/);
});
