/**
 * XML of requests. fast-xml-parser reads it; what makes XML dangerous (document types, entities, depth, size) is refused before it does.
 * Elements are looked up by name, whatever namespace they came with.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { S3Error } from '../errors.ts';

const MAX_DEPTH = 24;
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  processEntities: false,
  alwaysCreateTextNode: true,
  textNodeName: '#',
});

type Raw = Readonly<Record<string, unknown>>;

/** An element of a document. */
export class XmlElement {
  readonly #raw: Raw;

  constructor(raw: unknown) {
    this.#raw = typeof raw === 'object' && raw !== null ? (raw as Raw) : { '#': typeof raw === 'string' ? raw : '' };
  }

  /** The text in it. */
  get text(): string {
    const text = this.#raw['#'];
    return typeof text === 'string' ? decoded(text) : '';
  }

  /** Names of the elements in it, each once. */
  get names(): string[] {
    return Object.keys(this.#raw).filter((name) => !name.startsWith('@') && name !== '#');
  }

  all(name: string): XmlElement[] {
    const held = Object.hasOwn(this.#raw, name) ? this.#raw[name] : undefined;
    if (held === undefined) return [];
    return (Array.isArray(held) ? held : [held]).map((raw) => new XmlElement(raw));
  }

  one(name: string): XmlElement | undefined {
    return this.all(name)[0];
  }

  /** Refuses where there is none. */
  must(name: string): XmlElement {
    const found = this.one(name);
    if (found === undefined) throw malformed();
    return found;
  }

  /** The trimmed text of an element in it; undefined where there is none. */
  textOf(name: string): string | undefined {
    return this.one(name)?.text.trim();
  }

  attribute(name: string): string | undefined {
    const value = this.#raw[`@${name}`];
    return typeof value === 'string' ? decoded(value) : undefined;
  }
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Text with the five entities that every document has, and references to characters. */
function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|([a-z]{2,4}));/g, (whole, hex: string | undefined, decimal: string | undefined, name: string | undefined) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
}

export function malformed(message?: string): S3Error {
  return new S3Error('MalformedXML', message);
}

/** The root of a document, which must be of one of these names. */
export function parseXml(body: Buffer, ...roots: readonly string[]): XmlElement {
  const text = body.toString('utf8').replace(/^\ufeff/, '');
  if (/<!DOCTYPE|<!ENTITY/i.test(text) || isTooDeep(text)) throw malformed();
  try {
    if (XMLValidator.validate(text) !== true) throw malformed();
    const parsed = parser.parse(text) as Raw;
    const root = roots.find((name) => Object.hasOwn(parsed, name));
    if (root === undefined || Array.isArray(parsed[root]) || Object.keys(parsed).some((name) => name !== root && name !== '#')) throw malformed();
    return new XmlElement(parsed[root]);
  } catch (error) {
    if (error instanceof S3Error) throw error;
    throw malformed();
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const [tag] of text.matchAll(/<[^>]*>/g)) {
    if (tag.startsWith('</')) depth--;
    else if (!tag.endsWith('/>') && !tag.startsWith('<?') && !tag.startsWith('<!')) depth++;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
