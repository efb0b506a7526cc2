/** Managed policies on users, groups and roles: the same operations of each. */
import { leaf } from '#common/xml';
import { bearerOf, type BearerKind } from '../bearers.ts';
import { listXml, pageOfAll, pageQuery, pagingXml, required, text, type Operation } from '../call.ts';
import { IamFault } from '../faults.ts';
import { policyName } from '../managed-policies.ts';

const ATTACHED_QUOTA = 10;

export function attachPolicy(kind: BearerKind): Operation {
  return async (call) => {
    const bearer = await bearerOf(call, kind);
    const arn = required(call, 'PolicyArn');
    const { directory } = call.identities;
    // Noted first: a policy that may be attached somewhere is not deleted.
    const fresh = await directory.noteAttachment(call.account, arn, bearer.link);
    if ((await directory.managedText(call.account, arn)) === undefined) {
      if (fresh) await directory.forgetAttachment(call.account, arn, bearer.link);
      throw new IamFault('NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`);
    }
    await bearer.change((value) => {
      if (value.attached.includes(arn)) return value;
      if (value.attached.length >= ATTACHED_QUOTA) throw new IamFault('LimitExceeded', `Cannot exceed quota for PoliciesPer${kind}: ${ATTACHED_QUOTA}`);
      return { ...value, attached: [...value.attached, arn] };
    });
    // Who deleted the policy may have looked before the note was there.
    if ((await directory.managedText(call.account, arn)) === undefined) {
      await bearer.change((value) => ({ ...value, attached: value.attached.filter((each) => each !== arn) }));
      await directory.forgetAttachment(call.account, arn, bearer.link);
      throw new IamFault('NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`);
    }
    return '';
  };
}

export function detachPolicy(kind: BearerKind): Operation {
  return async (call) => {
    const bearer = await bearerOf(call, kind);
    const arn = required(call, 'PolicyArn');
    await bearer.change((value) => {
      if (!value.attached.includes(arn)) throw new IamFault('NoSuchEntity', `Policy ${arn} was not found.`);
      return { ...value, attached: value.attached.filter((each) => each !== arn) };
    });
    await call.identities.directory.forgetAttachment(call.account, arn, bearer.link);
    return '';
  };
}

export function listAttached(kind: BearerKind): Operation {
  return async (call) => {
    const { value } = await bearerOf(call, kind);
    const prefix = text(call, 'PathPrefix') ?? '/';
    const shown = value.attached.filter((arn) => arn.slice(arn.indexOf(':policy/') + ':policy'.length).startsWith(prefix)).sort();
    const { entries, next } = pageOfAll(shown, (arn) => arn, pageQuery(call));
    return listXml('AttachedPolicies', entries.map((arn) => leaf('PolicyName', policyName(arn)) + leaf('PolicyArn', arn))) + pagingXml(next);
  };
}
