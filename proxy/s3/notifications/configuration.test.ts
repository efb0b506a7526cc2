import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S3Error } from '../errors.ts';
import { parseXml } from '../xml/parse.ts';
import { notificationsOfXml, notificationsXml, rulesFor, type NotificationRule } from './configuration.ts';

const HOOK = 'arn:gori:sqs:us-east-1:hook:webhook';
const read = (content: string): NotificationRule[] => notificationsOfXml(parseXml(Buffer.from(`<NotificationConfiguration>${content}</NotificationConfiguration>`), 'NotificationConfiguration'), (arn) => arn === HOOK);
const queue = (id: string, events: string[], { arn = HOOK, prefix = '', suffix = '' } = {}): string => {
  const filters = [['prefix', prefix], ['suffix', suffix]].flatMap(([name, value]) => (value === '' ? [] : [`<FilterRule><Name>${name}</Name><Value>${value}</Value></FilterRule>`])).join('');
  return `<QueueConfiguration><Id>${id}</Id><Queue>${arn}</Queue>${events.map((event) => `<Event>${event}</Event>`).join('')}${filters === '' ? '' : `<Filter><S3Key>${filters}</S3Key></Filter>`}</QueueConfiguration>`;
};

test('what is shown is what was read, whatever the destination is called', () => {
  const content = `<TopicConfiguration><Id>t</Id><Topic>${HOOK}</Topic><Event>s3:ObjectTagging:*</Event></TopicConfiguration>${queue('q', ['s3:ObjectCreated:*', 's3:ObjectAcl:Put'], { prefix: 'in/', suffix: '.jpg' })}`
    + `<CloudFunctionConfiguration><Id>f</Id><CloudFunction>${HOOK}</CloudFunction><Event>s3:ObjectRemoved:Delete</Event></CloudFunctionConfiguration>`;
  assert.equal(notificationsXml(read(content)).replace(/^.*?<NotificationConfiguration[^>]*>|<\/NotificationConfiguration>$/gs, ''), content);
  assert.deepEqual(read(''), []);
});

test('rules hear of the events and keys that they are for', () => {
  const rules = read(queue('a', ['s3:ObjectCreated:*'], { prefix: 'in/', suffix: '.jpg' }) + queue('b', ['s3:ObjectCreated:Put'], { prefix: 'out/' }) + queue('c', ['s3:ObjectRemoved:*']));
  const heard = (event: string, key: string): string[] => rulesFor(rules, event, key).map(({ id }) => id);
  assert.deepEqual([heard('s3:ObjectCreated:Copy', 'in/a.jpg'), heard('s3:ObjectCreated:Copy', 'in/a.png'), heard('s3:ObjectCreated:Copy', 'out/a'), heard('s3:ObjectCreated:Put', 'out/a'), heard('s3:ObjectRemoved:DeleteMarkerCreated', 'x')], [['a'], [], [], ['b'], ['c']]);
});

test('what makes no sense is refused', () => {
  const refused: [string, string][] = [
    [queue('a', []), 'MalformedXML'],
    [queue('a', ['s3:ObjectEaten']), 'InvalidArgument'],
    [queue('a', ['s3:ObjectCreated:*'], { arn: 'arn:aws:sqs:us-east-1:1:q' }), 'InvalidArgument'],
    [queue('a', ['s3:ObjectCreated:*']) + queue('a', ['s3:ObjectRemoved:*']), 'InvalidArgument'],
    [queue('a', ['s3:ObjectCreated:*'], { prefix: 'in/' }) + queue('b', ['s3:ObjectCreated:Put'], { prefix: 'in/b', suffix: '.x' }), 'InvalidArgument'],
    [queue('a', ['s3:ObjectCreated:*']).replace('</QueueConfiguration>', '<Filter><S3Key><FilterRule><Name>infix</Name><Value>a</Value></FilterRule></S3Key></Filter></QueueConfiguration>'), 'InvalidArgument'],
    ['<EventBridgeConfiguration/>', 'NotImplemented'],
  ];
  for (const [content, code] of refused) assert.throws(() => read(content), (error) => error instanceof S3Error && error.code === code, content);
  assert.equal(read(queue('a', ['s3:ObjectCreated:*'], { prefix: 'in/' }) + queue('b', ['s3:ObjectCreated:*'], { prefix: 'out/' })).length, 2);
});
