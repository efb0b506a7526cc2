import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { S3Error } from '../errors.ts';
import { parseXml } from '../xml/parse.ts';
import { websiteOfXml, websiteXml, type WebsiteConfiguration } from './configuration.ts';
import { redirectionBy, redirectionOfAll } from './redirection.ts';

const read = (content: string): WebsiteConfiguration => websiteOfXml(parseXml(Buffer.from(`<WebsiteConfiguration>${content}</WebsiteConfiguration>`), 'WebsiteConfiguration'));
const INDEX = '<IndexDocument><Suffix>index.html</Suffix></IndexDocument>';
const rule = (condition: string, redirect: string): string => `<RoutingRule>${condition === '' ? '' : `<Condition>${condition}</Condition>`}<Redirect>${redirect}</Redirect></RoutingRule>`;
const rules = (...each: string[]): string => `${INDEX}<RoutingRules>${each.join('')}</RoutingRules>`;

describe('configurations', () => {
  test('what is shown is what was read', () => {
    for (const content of [
      INDEX,
      `${INDEX}<ErrorDocument><Key>errors/4xx.html</Key></ErrorDocument>`,
      '<RedirectAllRequestsTo><HostName>www.example.com</HostName><Protocol>https</Protocol></RedirectAllRequestsTo>',
      rules(rule('<KeyPrefixEquals>docs/</KeyPrefixEquals>', '<ReplaceKeyPrefixWith>documents/</ReplaceKeyPrefixWith>'), rule('<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>', '<HostName>h</HostName><HttpRedirectCode>307</HttpRedirectCode>')),
    ]) {
      assert.equal(websiteXml(read(content)).replace(/^.*?<WebsiteConfiguration[^>]*>|<\/WebsiteConfiguration>$/gs, ''), content);
    }
  });

  test('what makes no sense is refused', () => {
    const refused: [string, string][] = [
      ['', 'InvalidArgument'],
      ['<IndexDocument><Suffix></Suffix></IndexDocument>', 'InvalidArgument'],
      ['<IndexDocument><Suffix>a/b</Suffix></IndexDocument>', 'InvalidArgument'],
      [`${INDEX}<ErrorDocument><Key></Key></ErrorDocument>`, 'InvalidArgument'],
      [`${INDEX}<RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>`, 'InvalidRequest'],
      ['<RedirectAllRequestsTo><Protocol>http</Protocol></RedirectAllRequestsTo>', 'MalformedXML'],
      ['<RedirectAllRequestsTo><HostName>h</HostName><Protocol>ftp</Protocol></RedirectAllRequestsTo>', 'InvalidRequest'],
      [`${INDEX}<RoutingRules></RoutingRules>`, 'MalformedXML'],
      [rules(rule('', '')), 'MalformedXML'],
      [rules(rule('<Other>1</Other>', '<HostName>h</HostName>')), 'InvalidRequest'],
      [rules(rule('', '<ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith>')), 'InvalidRequest'],
      [rules(rule('', '<HttpRedirectCode>200</HttpRedirectCode>')), 'InvalidRequest'],
      [rules(rule('<HttpErrorCodeReturnedEquals>302</HttpErrorCodeReturnedEquals>', '<HostName>h</HostName>')), 'InvalidRequest'],
      [rules(...Array.from({ length: 51 }, () => rule('', '<HostName>h</HostName>'))), 'InvalidRequest'],
    ];
    for (const [content, code] of refused) assert.throws(() => read(content), (error) => error instanceof S3Error && error.code === code, content);
  });
});

describe('redirections', () => {
  const asked = { host: 'site.example.com', protocol: 'http', key: 'docs/a b.html' } as const;
  const by = (each: string, status?: number): string | undefined => {
    const led = redirectionBy(read(rules(each)), asked, status);
    return led && `${led.status} ${led.location}`;
  };

  test('a prefix is replaced, a key is, a host is, each alone', () => {
    assert.equal(by(rule('<KeyPrefixEquals>docs/</KeyPrefixEquals>', '<ReplaceKeyPrefixWith>documents/</ReplaceKeyPrefixWith>')), '301 http://site.example.com/documents/a%20b.html');
    assert.equal(by(rule('<KeyPrefixEquals>docs/</KeyPrefixEquals>', '<ReplaceKeyWith>gone.html</ReplaceKeyWith>')), '301 http://site.example.com/gone.html');
    assert.equal(by(rule('', '<Protocol>https</Protocol><HostName>other.example.com</HostName><HttpRedirectCode>303</HttpRedirectCode>')), '303 https://other.example.com/docs/a%20b.html');
    assert.equal(by(rule('<KeyPrefixEquals>img/</KeyPrefixEquals>', '<HostName>h</HostName>')), undefined);
  });

  test('rules for errors wait for one, rules without do not see it', () => {
    const missing = rule('<KeyPrefixEquals>docs/</KeyPrefixEquals><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>', '<ReplaceKeyPrefixWith>report/?from=</ReplaceKeyPrefixWith>');
    assert.deepEqual([by(missing), by(missing, 403)], [undefined, undefined]);
    assert.equal(by(missing, 404)?.startsWith('301 http://site.example.com/report/'), true);
    assert.equal(by(rule('', '<HostName>h</HostName>'), 404), undefined);
  });

  test('everything is led to another host, over its protocol or the same', () => {
    assert.deepEqual(redirectionOfAll({ host: 'h' }, asked), { status: 301, location: 'http://h/docs/a%20b.html' });
    assert.deepEqual(redirectionOfAll({ host: 'h', protocol: 'https' }, { ...asked, key: '' }), { status: 301, location: 'https://h/' });
  });
});
