/** Access keys of users: two each, shown once, kept sealed. */
import { element, leaf } from '#common/xml';
import { changeUser, userOf } from '../bearers.ts';
import { authorize, dateXml, listXml, pageOfAll, pageQuery, pagingXml, required, type Call, type Operation } from '../call.ts';
import { newId, newSecret, type AccessKey, type User } from '../entities.ts';
import { IamFault } from '../faults.ts';

const KEYS_PER_USER = 2;

export const createAccessKey: Operation = async (call) => {
  const { identities, account, nowMs } = call;
  const user = await userOf(call);
  const key: AccessKey = { id: newId('key'), createdAtMs: nowMs, active: true };
  const secret = newSecret();
  // The key first: it is nobody's until the user has it.
  await identities.directory.addKey(key.id, { account, userId: user.id, secret: identities.sealedKeys.seal(secret, key.id) });
  try {
    await changeUser(call, user, (current) => {
      if (current.keys.length >= KEYS_PER_USER) throw new IamFault('LimitExceeded', `Cannot exceed quota for AccessKeysPerUser: ${KEYS_PER_USER}`);
      return { ...current, keys: [...current.keys, key] };
    });
  } catch (error) {
    await identities.directory.removeKey(key.id);
    throw error;
  }
  return element('AccessKey', leaf('UserName', shownName(call, user)), leaf('AccessKeyId', key.id), leaf('Status', 'Active'), leaf('SecretAccessKey', secret), dateXml('CreateDate', nowMs));
};

export const listAccessKeys: Operation = async (call) => {
  const user = await userOf(call);
  const { entries, next } = pageOfAll(user.keys.toSorted((a, b) => (a.id < b.id ? -1 : 1)), ({ id }) => id, pageQuery(call));
  return listXml('AccessKeyMetadata', entries.map((key) => leaf('UserName', shownName(call, user)) + leaf('AccessKeyId', key.id) + leaf('Status', key.active ? 'Active' : 'Inactive') + dateXml('CreateDate', key.createdAtMs))) + pagingXml(next);
};

export const updateAccessKey: Operation = async (call) => {
  const user = await userOf(call);
  const id = required(call, 'AccessKeyId');
  const status = required(call, 'Status', /^(?:Active|Inactive)$/);
  await changeUser(call, user, (current) => {
    if (!current.keys.some((key) => key.id === id)) throw missing(id);
    return { ...current, keys: current.keys.map((key) => (key.id === id ? { ...key, active: status === 'Active' } : key)) };
  });
  return '';
};

export const deleteAccessKey: Operation = async (call) => {
  const user = await userOf(call);
  const id = required(call, 'AccessKeyId');
  await changeUser(call, user, (current) => {
    if (!current.keys.some((key) => key.id === id)) throw missing(id);
    return { ...current, keys: current.keys.filter((key) => key.id !== id) };
  });
  await call.identities.directory.removeKey(id);
  return '';
};

/** When a key was used last is not kept. */
export const getAccessKeyLastUsed: Operation = async (call) => {
  const id = required(call, 'AccessKeyId');
  authorize(call, '*');
  const { identities, account } = call;
  const key = await identities.directory.key(id);
  const user = key?.account === account ? await identities.directory.users.byId(account, key.userId) : undefined;
  if (user === undefined) throw new IamFault('AccessDenied', `User: ${call.caller.arn} is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key ${id}`);
  return leaf('UserName', user.name) + element('AccessKeyLastUsed', leaf('ServiceName', 'N/A'), leaf('Region', 'N/A'));
};

function missing(id: string): IamFault {
  return new IamFault('NoSuchEntity', `The Access Key with id ${id} cannot be found.`);
}

function shownName({ account }: Call, user: User): string | undefined {
  return user.configured === true && user.name === 'root' && account !== '' ? undefined : user.name;
}
