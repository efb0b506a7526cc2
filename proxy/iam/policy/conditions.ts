/** Condition operators of policies, with IfExists, ForAnyValue and ForAllValues ("IAM JSON policy elements: Condition operators"). */
import { BlockList, isIP } from 'node:net';
import type { Condition } from './document.ts';
import { matchesPattern } from './pattern.ts';

/** What is known of a request: each key, lower case, with its values. */
export type Context = (key: string) => readonly string[] | undefined;

type Test = (actual: string, wanted: string) => boolean;

const number = (compare: (a: number, b: number) => boolean): Test => (actual, wanted) => compare(Number(actual), Number(wanted));
const date = (compare: (a: number, b: number) => boolean): Test => (actual, wanted) => compare(msOf(actual), msOf(wanted));
const exact: Test = (actual, wanted) => actual === wanted;
const folded: Test = (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase();

/** Each operator, and whether it is the contrary of its test. */
const OPERATORS: Readonly<Record<string, readonly [test: Test, negated: boolean]>> = {
  stringequals: [exact, false],
  stringnotequals: [exact, true],
  stringequalsignorecase: [folded, false],
  stringnotequalsignorecase: [folded, true],
  stringlike: [(actual, wanted) => matchesPattern(wanted, actual), false],
  stringnotlike: [(actual, wanted) => matchesPattern(wanted, actual), true],
  numericequals: [number((a, b) => a === b), false],
  numericnotequals: [number((a, b) => a === b), true],
  numericlessthan: [number((a, b) => a < b), false],
  numericlessthanequals: [number((a, b) => a <= b), false],
  numericgreaterthan: [number((a, b) => a > b), false],
  numericgreaterthanequals: [number((a, b) => a >= b), false],
  dateequals: [date((a, b) => a === b), false],
  datenotequals: [date((a, b) => a === b), true],
  datelessthan: [date((a, b) => a < b), false],
  datelessthanequals: [date((a, b) => a <= b), false],
  dategreaterthan: [date((a, b) => a > b), false],
  dategreaterthanequals: [date((a, b) => a >= b), false],
  bool: [folded, false],
  binaryequals: [exact, false],
  ipaddress: [inNetwork, false],
  notipaddress: [inNetwork, true],
  arnequals: [(actual, wanted) => matchesPattern(wanted, actual), false],
  arnlike: [(actual, wanted) => matchesPattern(wanted, actual), false],
  arnnotequals: [(actual, wanted) => matchesPattern(wanted, actual), true],
  arnnotlike: [(actual, wanted) => matchesPattern(wanted, actual), true],
};

interface Operator {
  readonly name: string;
  readonly ifExists: boolean;
  readonly quantifier: 'any' | 'all' | undefined;
}

function operatorOf(text: string): Operator {
  const lower = text.toLowerCase();
  const quantifier = lower.startsWith('foranyvalue:') ? 'any' : lower.startsWith('forallvalues:') ? 'all' : undefined;
  const rest = quantifier === undefined ? lower : lower.slice(lower.indexOf(':') + 1);
  const ifExists = rest.endsWith('ifexists');
  return { name: ifExists ? rest.slice(0, -'ifexists'.length) : rest, ifExists, quantifier };
}

export function isCondition(text: string): boolean {
  const { name } = operatorOf(text);
  return name === 'null' || Object.hasOwn(OPERATORS, name);
}

/** Whether a condition holds. `substitute` puts values for `${variables}`. */
export function holds({ operator, key, values }: Condition, context: Context, substitute: (text: string) => string): boolean {
  const { name, ifExists, quantifier } = operatorOf(operator);
  const actual = context(key.toLowerCase());
  if (name === 'null') return values.some((value) => (value.toLowerCase() === 'true') === (actual === undefined));
  const [test, negated] = OPERATORS[name]!;
  if (actual === undefined || actual.length === 0) return ifExists || quantifier === 'all' || (negated && quantifier === undefined);
  const matches = (one: string): boolean => values.some((wanted) => test(one, substitute(wanted))) !== negated;
  return quantifier === 'all' || (quantifier === undefined && negated) ? actual.every(matches) : actual.some(matches);
}

function msOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

function inNetwork(actual: string, wanted: string): boolean {
  const address = actual.replace(/^::ffff:/, '');
  const [network = '', bits] = wanted.split('/');
  const version = isIP(network);
  if (version === 0 || isIP(address) !== version) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  try {
    list.addSubnet(network, bits === undefined ? (version === 4 ? 32 : 128) : Number(bits), family);
    return list.check(address, family);
  } catch {
    return false;
  }
}
