/** Providers of web identities (OpenID Connect): issuers whose tokens may be changed for sessions of roles. */
import { element, leaf } from '#common/xml';
import { authorize, dateXml, listXml, members, required, requestTagValues, tagsOf, tagsXml, type Call, type Operation } from '../call.ts';
import { issuerName, providerArn, type Provider } from '../entities.ts';
import { IamFault } from '../faults.ts';
import { mergedTags } from './users.ts';

const CLIENT_IDS = 100;
const THUMBPRINTS = 5;

/** The issuer that the ARN of the call names, and what is kept of it. */
async function providerOf(call: Call): Promise<{ name: string; provider: Provider }> {
  const arn = required(call, 'OpenIDConnectProviderArn');
  authorize(call, arn);
  const name = /^arn:aws:iam::([^:]*):oidc-provider\/(.+)$/.exec(arn)?.[2];
  const provider = name === undefined ? undefined : await call.identities.directory.provider(call.account, name);
  if (name === undefined || provider === undefined || providerArn(call.account, provider.url) !== arn) throw new IamFault('NoSuchEntity', `OpenIDConnect Provider not found for arn ${arn}`);
  return { name, provider };
}

async function change(call: Call, by: (provider: Provider) => Provider): Promise<string> {
  const { name } = await providerOf(call);
  if ((await call.identities.directory.change<Provider>('provider', call.account, name, by)) === undefined) throw new IamFault('NoSuchEntity', `OpenIDConnect Provider not found for ${name}`);
  return '';
}

export const createProvider: Operation = async (call) => {
  const { account, identities, nowMs } = call;
  const url = required(call, 'Url');
  const clientIds = members(call, 'ClientIDList');
  const thumbprints = members(call, 'ThumbprintList');
  const tags = tagsOf(call);
  const arn = providerArn(account, url);
  authorize(call, arn, { values: requestTagValues(tags) });
  if (!URL.canParse(url) || !/^https?:\/\/[^?#@]+$/.test(url) || url.length > 255) throw new IamFault('ValidationError', 'The specified value for url is invalid: it must begin with https:// and have no query.');
  if (clientIds.length > CLIENT_IDS) throw new IamFault('LimitExceeded', `Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: ${CLIENT_IDS}`);
  checkThumbprints(thumbprints);
  const provider: Provider = { url, clientIds, thumbprints, createdAtMs: nowMs, tags };
  if (!(await identities.directory.create('provider', account, issuerName(url), provider))) throw new IamFault('EntityAlreadyExists', `Provider with url ${url} already exists.`);
  return leaf('OpenIDConnectProviderArn', arn) + tagsXml(tags);
};

export const getProvider: Operation = async (call) => {
  const { url, clientIds, thumbprints, createdAtMs, tags } = (await providerOf(call)).provider;
  const texts = (name: string, values: readonly string[]): string => element(name, ...values.map((value) => leaf('member', value)));
  return leaf('Url', url) + texts('ClientIDList', clientIds) + texts('ThumbprintList', thumbprints) + dateXml('CreateDate', createdAtMs) + tagsXml(tags);
};

export const listProviders: Operation = async (call) => {
  const { account, identities } = call;
  authorize(call, '*');
  const providers = await identities.directory.providers(account);
  return listXml('OpenIDConnectProviderList', providers.map(({ url }) => leaf('Arn', providerArn(account, url))));
};

export const deleteProvider: Operation = async (call) => {
  const { name } = await providerOf(call);
  await call.identities.directory.remove('provider', call.account, name);
  return '';
};

export const addClientId: Operation = async (call) => {
  const id = required(call, 'ClientID');
  return change(call, (provider) => {
    if (provider.clientIds.includes(id)) return provider;
    if (provider.clientIds.length >= CLIENT_IDS) throw new IamFault('LimitExceeded', `Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: ${CLIENT_IDS}`);
    return { ...provider, clientIds: [...provider.clientIds, id] };
  });
};

export const removeClientId: Operation = async (call) => {
  const id = required(call, 'ClientID');
  return change(call, (provider) => ({ ...provider, clientIds: provider.clientIds.filter((each) => each !== id) }));
};

export const updateThumbprints: Operation = async (call) => {
  const thumbprints = members(call, 'ThumbprintList');
  checkThumbprints(thumbprints);
  return change(call, (provider) => ({ ...provider, thumbprints }));
};

export const tagProvider: Operation = async (call) => {
  const tags = tagsOf(call);
  return change(call, (provider) => ({ ...provider, tags: mergedTags(provider.tags, tags) }));
};

export const untagProvider: Operation = async (call) => {
  const keys = members(call, 'TagKeys');
  return change(call, (provider) => ({ ...provider, tags: provider.tags.filter(([key]) => !keys.includes(key)) }));
};

/** They are kept and shown; a token is judged by its issuer's keys, which come over TLS that Node's authorities vouch for. */
function checkThumbprints(thumbprints: readonly string[]): void {
  if (thumbprints.length > THUMBPRINTS) throw new IamFault('InvalidInput', `Thumbprint list must contain fewer than ${THUMBPRINTS} entries.`);
  if (thumbprints.some((thumbprint) => thumbprint.length !== 40)) throw new IamFault('ValidationError', 'A thumbprint has 40 characters.');
}
