/** Which events of a bucket are told to whom ("Amazon S3 Event Notifications"): parsed, checked and shown. */
import { S3Error } from '../errors.ts';
import { malformed, type XmlElement } from '../xml/parse.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

/** Whatever a destination is called, it is told in the same way. */
const KINDS = [['TopicConfiguration', 'Topic'], ['QueueConfiguration', 'Queue'], ['CloudFunctionConfiguration', 'CloudFunction']] as const;
type Kind = (typeof KINDS)[number][0];

export interface NotificationRule {
  readonly kind: Kind;
  readonly id: string;
  /** Of the destination. */
  readonly arn: string;
  /** `s3:ObjectCreated:Put`, or `s3:ObjectCreated:*`. */
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

/** Events that come about here. Those of AWS's that never do are taken too: a configuration made for AWS means the same here. */
const EVENTS: ReadonlySet<string> = new Set([
  's3:ObjectCreated:*', 's3:ObjectCreated:Put', 's3:ObjectCreated:Post', 's3:ObjectCreated:Copy', 's3:ObjectCreated:CompleteMultipartUpload',
  's3:ObjectRemoved:*', 's3:ObjectRemoved:Delete', 's3:ObjectRemoved:DeleteMarkerCreated',
  's3:ObjectTagging:*', 's3:ObjectTagging:Put', 's3:ObjectTagging:Delete', 's3:ObjectAcl:Put',
  's3:LifecycleExpiration:*', 's3:LifecycleExpiration:Delete', 's3:LifecycleExpiration:DeleteMarkerCreated',
  's3:ObjectRestore:*', 's3:ObjectRestore:Post', 's3:ObjectRestore:Completed', 's3:ObjectRestore:Delete', 's3:ReducedRedundancyLostObject', 's3:LifecycleTransition', 's3:IntelligentTiering',
  's3:Replication:*', 's3:Replication:OperationFailedReplication', 's3:Replication:OperationMissedThreshold', 's3:Replication:OperationReplicatedAfterThreshold', 's3:Replication:OperationNotTracked',
]);
const MAX_RULES = 100;

/** Throws MalformedXML and InvalidArgument; `knows` says whether there is a destination. */
export function notificationsOfXml(root: XmlElement, knows: (arn: string) => boolean): NotificationRule[] {
  if (root.one('EventBridgeConfiguration') !== undefined) throw new S3Error('NotImplemented');
  const rules = KINDS.flatMap(([kind, name]) => root.all(kind).map((each, i) => ruleOf(each, { kind, name, id: `${kind}-${i + 1}` })));
  if (rules.length > MAX_RULES) throw malformed();
  const unknown = rules.filter(({ arn }) => !knows(arn));
  if (unknown.length > 0) throw new S3Error('InvalidArgument', 'Unable to validate the following destination configurations', { ArgumentName: unknown[0]!.arn, ArgumentValue: 'The destination does not exist' });
  for (const [i, rule] of rules.entries()) {
    if (rules.slice(0, i).some((other) => other.id === rule.id)) throw new S3Error('InvalidArgument', 'Same ID used for multiple configurations. IDs must be unique');
    if (rules.slice(0, i).some((other) => overlap(rule, other))) throw new S3Error('InvalidArgument', 'Configurations overlap. Configurations on the same bucket cannot share a common event type.');
  }
  return rules;
}

function ruleOf(rule: XmlElement, { kind, name, id }: { kind: Kind; name: string; id: string }): NotificationRule {
  const events = rule.all('Event').map((each) => each.text.trim());
  if (events.length === 0) throw malformed();
  const wrong = events.find((event) => !EVENTS.has(event));
  if (wrong !== undefined) throw new S3Error('InvalidArgument', 'The event is not supported for notifications', { ArgumentName: 'Event', ArgumentValue: wrong });
  const arn = rule.textOf(name);
  if (arn === undefined) throw malformed();
  const filter: Record<string, string> = {};
  for (const each of rule.one('Filter')?.one('S3Key')?.all('FilterRule') ?? []) {
    const by = (each.textOf('Name') ?? '').toLowerCase();
    if (by !== 'prefix' && by !== 'suffix') throw new S3Error('InvalidArgument', 'filter rule name must be either prefix or suffix', { ArgumentName: 'FilterRule.Name', ArgumentValue: by });
    if (filter[by] !== undefined) throw new S3Error('InvalidArgument', `Cannot specify more than one ${by} rule in a filter.`, { ArgumentName: 'FilterRule.Name', ArgumentValue: by });
    filter[by] = each.one('Value')?.text ?? '';
  }
  return { kind, id: rule.textOf('Id') || id, arn, events, prefix: filter['prefix'] ?? '', suffix: filter['suffix'] ?? '' };
}

function overlap(a: NotificationRule, b: NotificationRule): boolean {
  const share = a.events.some((event) => b.events.some((other) => covers(event, other) || covers(other, event)));
  const prefixes = a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
  return share && prefixes && (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix));
}

/** Whether `pattern`, which may end in `*`, is for an event. */
function covers(pattern: string, event: string): boolean {
  return pattern === event || (pattern.endsWith('*') && event.startsWith(pattern.slice(0, -1)));
}

/** The rules that want to hear of an event of a key. */
export function rulesFor(rules: readonly NotificationRule[], event: string, key: string): NotificationRule[] {
  return rules.filter(({ events, prefix, suffix }) => key.startsWith(prefix) && key.endsWith(suffix) && events.some((pattern) => covers(pattern, event)));
}

export function notificationsXml(rules: readonly NotificationRule[]): string {
  return xmlDocument('NotificationConfiguration', ...rules.map(({ kind, id, arn, events, prefix, suffix }) => {
    const [, name] = KINDS.find(([each]) => each === kind)!;
    const filters = [['prefix', prefix], ['suffix', suffix]].flatMap(([by, value]) => (value === '' ? [] : [element('FilterRule', leaf('Name', by), leaf('Value', value))]));
    return element(kind, leaf('Id', id), leaf(name, arn), ...events.map((event) => leaf('Event', event)), filters.length === 0 ? '' : element('Filter', element('S3Key', ...filters)));
  }));
}
