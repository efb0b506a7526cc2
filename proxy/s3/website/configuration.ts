/** What a bucket that is a website is configured with ("Hosting a static website using Amazon S3"): parsed, checked and shown. */
import { S3Error } from '../errors.ts';
import { malformed, type XmlElement } from '../xml/parse.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

export type Protocol = 'http' | 'https';

export interface Redirect {
  readonly protocol?: Protocol | undefined;
  readonly host?: string | undefined;
  readonly status?: number | undefined;
  /** Instead of the prefix that the rule asks for. */
  readonly keyPrefix?: string | undefined;
  /** Instead of the whole key. */
  readonly key?: string | undefined;
}

export interface RoutingRule {
  readonly prefix?: string | undefined;
  /** The rule is for answers with this status only. */
  readonly errorStatus?: number | undefined;
  readonly redirect: Redirect;
}

export interface WebsiteConfiguration {
  /** Every request is led to this host. Then there is nothing else. */
  readonly redirectAll?: { readonly host: string; readonly protocol?: Protocol | undefined } | undefined;
  /** Follows on every key that ends with a slash. */
  readonly indexSuffix: string;
  readonly errorKey?: string | undefined;
  readonly rules: readonly RoutingRule[];
}

const MAX_RULES = 50;

/** Throws MalformedXML, InvalidArgument or InvalidRequest. */
export function websiteOfXml(root: XmlElement): WebsiteConfiguration {
  const all = root.one('RedirectAllRequestsTo');
  const [index, error, rules] = [root.one('IndexDocument'), root.one('ErrorDocument'), root.one('RoutingRules')];
  if (all !== undefined) {
    if (index !== undefined || error !== undefined || rules !== undefined) throw new S3Error('InvalidRequest', 'RedirectAllRequestsTo cannot be provided in conjunction with other configuration');
    const host = all.textOf('HostName');
    if (host === undefined || host === '') throw malformed();
    return { redirectAll: { host, protocol: protocolOf(all) }, indexSuffix: '', rules: [] };
  }
  const indexSuffix = index?.textOf('Suffix');
  if (indexSuffix === undefined) throw new S3Error('InvalidArgument', 'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty', { ArgumentName: 'IndexDocument', ArgumentValue: 'null' });
  if (indexSuffix === '' || indexSuffix.includes('/')) throw new S3Error('InvalidArgument', 'The IndexDocument Suffix is not well formed', { ArgumentName: 'IndexDocument', ArgumentValue: indexSuffix });
  const errorKey = error?.textOf('Key');
  if (error !== undefined && (errorKey === undefined || errorKey === '')) throw new S3Error('InvalidArgument', 'The ErrorDocument Key is not well formed', { ArgumentName: 'ErrorDocument' });
  const listed = rules?.all('RoutingRule') ?? [];
  if (rules !== undefined && listed.length === 0) throw malformed();
  if (listed.length > MAX_RULES) throw new S3Error('InvalidRequest', `The number of routing rules must not exceed the allowed limit of ${MAX_RULES} rules`);
  return { indexSuffix, ...(errorKey === undefined ? {} : { errorKey }), rules: listed.map(ruleOf) };
}

function protocolOf(element: XmlElement): Protocol | undefined {
  const protocol = element.textOf('Protocol');
  if (protocol !== undefined && protocol !== 'http' && protocol !== 'https') throw new S3Error('InvalidRequest', 'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.');
  return protocol;
}

function ruleOf(rule: XmlElement): RoutingRule {
  const condition = rule.one('Condition');
  const redirect = rule.must('Redirect');
  const [prefix, errorText] = [condition?.textOf('KeyPrefixEquals'), condition?.textOf('HttpErrorCodeReturnedEquals')];
  if (condition !== undefined && prefix === undefined && errorText === undefined) throw new S3Error('InvalidRequest', 'Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn\'t be present.');
  if (redirect.names.length === 0) throw malformed();
  const [keyPrefix, key, statusText] = [redirect.textOf('ReplaceKeyPrefixWith'), redirect.textOf('ReplaceKeyWith'), redirect.textOf('HttpRedirectCode')];
  if (keyPrefix !== undefined && key !== undefined) throw new S3Error('InvalidRequest', 'You can only define ReplaceKeyPrefix or ReplaceKey but not both.');
  return {
    prefix,
    errorStatus: errorText === undefined ? undefined : statusIn(errorText, 400, 599, 'HttpErrorCodeReturnedEquals'),
    redirect: { protocol: protocolOf(redirect), host: redirect.textOf('HostName'), status: statusText === undefined ? undefined : statusIn(statusText, 300, 399, 'HttpRedirectCode'), keyPrefix, key },
  };
}

function statusIn(text: string, least: number, most: number, name: string): number {
  const status = Number(text);
  if (!/^\d{3}$/.test(text) || status < least || status > most) throw new S3Error('InvalidRequest', `The provided HTTP ${least === 300 ? 'redirect' : 'error'} code (${text}) is not valid. Valid codes are ${least === 300 ? '3XX except 300' : '4XX or 5XX'}.`, { ArgumentName: name, ArgumentValue: text });
  return status;
}

export function websiteXml({ redirectAll, indexSuffix, errorKey, rules }: WebsiteConfiguration): string {
  if (redirectAll !== undefined) return xmlDocument('WebsiteConfiguration', element('RedirectAllRequestsTo', leaf('HostName', redirectAll.host), leaf('Protocol', redirectAll.protocol)));
  return xmlDocument(
    'WebsiteConfiguration',
    element('IndexDocument', leaf('Suffix', indexSuffix)),
    errorKey === undefined ? '' : element('ErrorDocument', leaf('Key', errorKey)),
    rules.length === 0 ? '' : element('RoutingRules', ...rules.map(ruleXml)),
  );
}

function ruleXml({ prefix, errorStatus, redirect }: RoutingRule): string {
  const condition = prefix === undefined && errorStatus === undefined ? '' : element('Condition', leaf('KeyPrefixEquals', prefix), leaf('HttpErrorCodeReturnedEquals', errorStatus));
  const { protocol, host, status, keyPrefix, key } = redirect;
  return element('RoutingRule', condition, element('Redirect', leaf('Protocol', protocol), leaf('HostName', host), leaf('ReplaceKeyPrefixWith', keyPrefix), leaf('ReplaceKeyWith', key), leaf('HttpRedirectCode', status)));
}
