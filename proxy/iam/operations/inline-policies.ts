/** Policies that belong to one user, group or role: the same operations of each. */
import { leaf } from '#common/xml';
import { BEARERS, bearerOf, NAME, type BearerKind } from '../bearers.ts';
import { pageOfAll, pageQuery, pagingXml, required, type Operation } from '../call.ts';
import { IamFault } from '../faults.ts';
import { checkPolicy, encodedPolicy } from '../policy-texts.ts';

/** Characters of all inline policies together. */
const QUOTAS: Readonly<Record<BearerKind, number>> = { user: 2048, group: 5120, role: 10_240 };

export function putPolicy(kind: BearerKind): Operation {
  return async (call) => {
    const bearer = await bearerOf(call, kind);
    const name = policyNameOf(required(call, 'PolicyName', NAME));
    const text = checkPolicy(required(call, 'PolicyDocument'), 'identity', QUOTAS[kind]);
    await bearer.change((value) => {
      const inline = { ...value.inline, [name]: text };
      const size = Object.values(inline).reduce((sum, each) => sum + each.replace(/\s/g, '').length, 0);
      if (size > QUOTAS[kind]) throw new IamFault('LimitExceeded', `Maximum policy size of ${QUOTAS[kind]} bytes exceeded for ${kind} ${value.name}`);
      return { ...value, inline };
    });
    return '';
  };
}

export function getPolicyOf(kind: BearerKind): Operation {
  return async (call) => {
    const { value } = await bearerOf(call, kind);
    const name = required(call, 'PolicyName', NAME);
    return leaf(`${BEARERS[kind]}Name`, value.name) + leaf('PolicyName', name) + leaf('PolicyDocument', encodedPolicy(textOf(value.inline, kind, name)));
  };
}

export function deletePolicyOf(kind: BearerKind): Operation {
  return async (call) => {
    const bearer = await bearerOf(call, kind);
    const name = required(call, 'PolicyName', NAME);
    await bearer.change((value) => {
      textOf(value.inline, kind, name);
      const { [name]: _, ...inline } = value.inline;
      return { ...value, inline };
    });
    return '';
  };
}

export function listPoliciesOf(kind: BearerKind): Operation {
  return async (call) => {
    const { value } = await bearerOf(call, kind);
    const { entries, next } = pageOfAll(Object.keys(value.inline).sort(), (name) => name, pageQuery(call));
    return `<PolicyNames>${entries.map((name) => leaf('member', name)).join('')}</PolicyNames>${pagingXml(next)}`;
  };
}

function textOf(inline: Readonly<Record<string, string>>, kind: BearerKind, name: string): string {
  const text = Object.hasOwn(inline, name) ? inline[name] : undefined;
  if (text === undefined) throw new IamFault('NoSuchEntity', `The ${kind} policy with name ${name} cannot be found.`);
  return text;
}

function policyNameOf(name: string): string {
  if (name.length > 128 || name === '__proto__') throw new IamFault('ValidationError', `1 validation error detected: Value '${name}' at 'policyName' failed to satisfy constraint: Member must have length less than or equal to 128`);
  return name;
}
