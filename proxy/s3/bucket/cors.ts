/** Cross-origin rules of buckets: which answers browsers may show to pages of other origins. The first rule that fits decides. */
import type { Exchange, Response } from '#proxy/edge';
import { matchesPattern } from '#proxy/iam';
import { S3Error } from '../errors.ts';
import { malformed, type XmlElement } from '../xml/parse.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';
import type { Bucket } from './bucket.ts';

export interface CorsRule {
  readonly id?: string | undefined;
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeSeconds?: number | undefined;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'PUT', 'HEAD', 'POST', 'DELETE']);
const MAX_RULES = 100;

export function corsOfXml(root: XmlElement): CorsRule[] {
  const rules = root.all('CORSRule');
  if (rules.length === 0 || rules.length > MAX_RULES) throw malformed();
  return rules.map((rule) => {
    const texts = (name: string): string[] => rule.all(name).map((each) => each.text.trim());
    const [origins, methods, age] = [texts('AllowedOrigin'), texts('AllowedMethod'), rule.textOf('MaxAgeSeconds')];
    if (origins.length === 0 || methods.length === 0) throw malformed();
    const wrong = methods.find((method) => !METHODS.has(method));
    if (wrong !== undefined) throw new S3Error('InvalidRequest', `Found unsupported HTTP method in CORS config. Unsupported method is ${wrong}`);
    if ([...origins, ...texts('AllowedHeader')].some((pattern) => pattern.split('*').length > 2)) throw new S3Error('InvalidRequest', 'AllowedOrigin can not have more than one wildcard.');
    if (age !== undefined && !/^\d{1,9}$/.test(age)) throw malformed();
    return { id: rule.textOf('ID'), origins, methods, headers: texts('AllowedHeader'), exposed: texts('ExposeHeader'), ...(age === undefined ? {} : { maxAgeSeconds: Number(age) }) };
  });
}

export function corsXml(rules: readonly CorsRule[]): string {
  const each = (name: string, texts: readonly string[]): string => texts.map((text) => leaf(name, text)).join('');
  return xmlDocument('CORSConfiguration', ...rules.map(({ id, origins, methods, headers, exposed, maxAgeSeconds }) =>
    element('CORSRule', leaf('ID', id), each('AllowedHeader', headers), each('AllowedMethod', methods), each('AllowedOrigin', origins), each('ExposeHeader', exposed), leaf('MaxAgeSeconds', maxAgeSeconds))));
}

function rulesOf(bucket: Bucket): readonly CorsRule[] {
  return bucket.parsed('cors', (text) => JSON.parse(text) as CorsRule[]) ?? [];
}

function ruleFor(bucket: Bucket, origin: string, method: string, headers: readonly string[]): CorsRule | undefined {
  return rulesOf(bucket).find((rule) =>
    rule.methods.includes(method) && rule.origins.some((pattern) => matchesPattern(pattern, origin)) && headers.every((header) => rule.headers.some((pattern) => matchesPattern(pattern.toLowerCase(), header))));
}

/** The answer with the headers that let a page of the request's origin see it, where a rule does. */
export function withCors(exchange: Exchange, bucket: Bucket, response: Response): Response {
  const origin = exchange.header('origin');
  if (origin === undefined) return response;
  const rule = ruleFor(bucket, origin, exchange.header('access-control-request-method') ?? exchange.method, []);
  return rule === undefined ? response : { ...response, headers: { ...response.headers, ...corsHeaders(rule, origin) } };
}

function corsHeaders(rule: CorsRule, origin: string): Record<string, string | number> {
  const anyone = rule.origins.includes('*');
  return {
    'Access-Control-Allow-Origin': anyone ? '*' : origin,
    'Access-Control-Allow-Methods': rule.methods.join(', '),
    ...(anyone ? {} : { 'Access-Control-Allow-Credentials': 'true' }),
    ...(rule.exposed.length === 0 ? {} : { 'Access-Control-Expose-Headers': rule.exposed.join(', ') }),
    ...(rule.maxAgeSeconds === undefined ? {} : { 'Access-Control-Max-Age': rule.maxAgeSeconds }),
    Vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}

/** OPTIONS: what a browser asks before it sends a request of a page of another origin. Nobody need sign it. */
export function preflight(exchange: Exchange, bucket: Bucket): Response {
  const origin = exchange.header('origin');
  const method = exchange.header('access-control-request-method');
  if (origin === undefined) throw new S3Error('InvalidRequest', 'Insufficient information. Origin request header needed.');
  if (method === undefined) throw new S3Error('InvalidRequest', 'Invalid Access-Control-Request-Method: null');
  const asked = exchange.header('access-control-request-headers');
  const headers = (asked ?? '').split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
  const rule = ruleFor(bucket, origin, method, headers);
  if (rule === undefined) throw new S3Error('AccessForbidden', rulesOf(bucket).length === 0 ? 'CORSResponse: CORS is not enabled for this bucket.' : undefined, { Method: method, ResourceType: 'BUCKET' });
  return { status: 200, headers: { ...corsHeaders(rule, origin), ...(headers.length === 0 ? {} : { 'Access-Control-Allow-Headers': headers.join(', ') }) } };
}
