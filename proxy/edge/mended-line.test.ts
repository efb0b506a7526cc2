import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mendLine } from './mended-line.ts';

const mend = (packet: string, stoppedAt = packet.search(/[\x80-\xff]/)): string | undefined => mendLine(Buffer.from(packet, 'latin1'), stoppedAt)?.toString('latin1');

test('a raw target is escaped, and nothing else', () => {
  assert.equal(mend('GET /a/\xed\x95\x9c?q=\xff HTTP/1.1\r\nX: \xed\r\n\r\n\xff'), 'GET /a/%ED%95%9C?q=%FF HTTP/1.1\r\nConnection: close\r\nX: \xed\r\n\r\n\xff');
  assert.equal(mend('PUT http://h/%20\x80 HTTP/1.1\r\n\r\n'), 'PUT http://h/%20%80 HTTP/1.1\r\nConnection: close\r\n\r\n');
});

test('a packet that could be read otherwise is left alone', () => {
  for (const packet of [
    'GET /\xff HTTP/1.0\r\n\r\n',
    'GET /\xff\r\n\r\n',
    'GET /\xff HTTP/1.1\n\n',
    'GET  /\xff HTTP/1.1\r\n\r\n',
    'GET /a b\xff HTTP/1.1\r\n\r\n',
    'GET /a\n\xff HTTP/1.1\r\n\r\n',
    'GET /a\t\xff HTTP/1.1\r\n\r\n',
    'TRACE /\xff HTTP/1.1\r\n\r\n',
    'get /\xff HTTP/1.1\r\n\r\n',
    'bodyGET /\xff HTTP/1.1\r\n\r\n',
    'ET /\xff HTTP/1.1\r\n\r\n',
    'GET /\xff HTTP/1.1',
    'GET /\xff HTTP/1.1\r\r\n\r\n',
    '\r\nGET /\xff HTTP/1.1\r\n\r\n',
    'GET /\xff HTTP/1.1 HTTP/1.1\r\n\r\n',
  ]) {
    assert.equal(mend(packet), undefined, JSON.stringify(packet));
  }
});

test('a packet in which the parser stopped elsewhere is left alone', () => {
  const packet = 'GET /\xff HTTP/1.1\r\n\r\nGET /\xff HTTP/1.1\r\n\r\n';
  for (const stoppedAt of [0, 4, 6, packet.lastIndexOf('\xff')]) assert.equal(mend(packet, stoppedAt), undefined, String(stoppedAt));
  assert.ok(mend(packet, 5));
});
