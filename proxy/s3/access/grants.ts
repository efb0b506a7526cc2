/** Access control lists in requests and answers: canned names, grant headers, and XML. */
import type { Exchange } from '#proxy/edge';
import { S3Error } from '../errors.ts';
import type { Directory } from '../request.ts';
import { malformed, type XmlElement } from '../xml/parse.ts';
import { element, escapeText, leaf, xmlDocument } from '../xml/write.ts';
import { CANNED, cannedAcl, GROUPS, PERMISSIONS, type Acl, type Canned, type Grant, type Grantee, type Group, type Permission } from './acl.ts';

const GRANT_HEADERS: readonly (readonly [header: string, permission: Permission])[] = [
  ['x-amz-grant-read', 'READ'],
  ['x-amz-grant-write', 'WRITE'],
  ['x-amz-grant-read-acp', 'READ_ACP'],
  ['x-amz-grant-write-acp', 'WRITE_ACP'],
  ['x-amz-grant-full-control', 'FULL_CONTROL'],
];
const MAX_GRANTS = 100;

export interface Owners {
  readonly owner: string;
  readonly bucketOwner: string;
}

/** The list that the headers ask for; undefined where they ask for none. */
export function aclOfHeaders(exchange: Exchange, directory: Directory, owners: Owners): Acl | undefined {
  const canned = exchange.header('x-amz-acl');
  const granted = GRANT_HEADERS.flatMap(([header, permission]) => grantsOf(exchange.header(header), permission, directory));
  if (canned !== undefined && canned !== '') {
    if (granted.length > 0) throw new S3Error('InvalidRequest', 'Specifying both Canned ACLs and Header Grants is not allowed');
    return cannedAcl(parseCanned(canned), owners.owner, owners.bucketOwner);
  }
  return granted.length === 0 ? undefined : { owner: owners.owner, grants: granted };
}

export function parseCanned(text: string): Canned {
  const canned = CANNED.find((name) => name === text);
  if (canned === undefined) throw new S3Error('InvalidArgument', undefined, { ArgumentName: 'x-amz-acl', ArgumentValue: text });
  return canned;
}

/** Whether the headers say anything of a list. */
export function hasAclHeaders(exchange: Exchange): boolean {
  return exchange.headers['x-amz-acl'] !== undefined || GRANT_HEADERS.some(([header]) => exchange.headers[header] !== undefined);
}

function grantsOf(header: string | undefined, permission: Permission, directory: Directory): Grant[] {
  if (header === undefined || header.trim() === '') return [];
  return header.split(',').map((part) => {
    const match = /^\s*(id|uri|emailAddress)\s*=\s*"?([^"]*?)"?\s*$/.exec(part);
    if (match === null) throw new S3Error('InvalidArgument', 'Argument format not recognized', { ArgumentValue: part });
    const [, kind, value] = match as unknown as [string, 'id' | 'uri' | 'emailAddress', string];
    return { grantee: kind === 'id' ? userOf(value, directory) : kind === 'uri' ? groupOf(value) : userOfEmail(value, directory), permission };
  });
}

function userOf(id: string, directory: Directory): Grantee {
  if (directory.byCanonicalId(id) === undefined) throw new S3Error('InvalidArgument', 'Invalid id', { ArgumentName: 'CanonicalUser/ID', ArgumentValue: id });
  return { user: id };
}

function groupOf(uri: string): Grantee {
  const group = (Object.keys(GROUPS) as Group[]).find((name) => GROUPS[name] === uri);
  if (group === undefined) throw new S3Error('InvalidArgument', 'Invalid group uri', { ArgumentName: 'URI', ArgumentValue: uri });
  return { group };
}

function userOfEmail(email: string, directory: Directory): Grantee {
  const holder = directory.byEmail(email);
  if (holder === undefined) throw new S3Error('UnresolvableGrantByEmailAddress', undefined, { ArgumentName: 'EmailAddress', ArgumentValue: email });
  return { user: holder.canonicalId };
}

/** Reads an AccessControlPolicy. */
export function aclOfXml(root: XmlElement, directory: Directory): Acl {
  const owner = root.one('Owner')?.textOf('ID');
  if (owner === undefined || owner === '') throw new S3Error('MalformedACLError');
  const grants = root.must('AccessControlList').all('Grant');
  if (grants.length > MAX_GRANTS) throw new S3Error('InvalidRequest', 'The request contained more than 100 grants');
  return { owner, grants: grants.map((grant) => ({ grantee: granteeOf(grant.must('Grantee'), directory), permission: permissionOf(grant.textOf('Permission')) })) };
}

function permissionOf(text: string | undefined): Permission {
  const permission = PERMISSIONS.find((name) => name === text);
  if (permission === undefined) throw new S3Error('MalformedACLError');
  return permission;
}

function granteeOf(grantee: XmlElement, directory: Directory): Grantee {
  const [id, uri, email] = ['ID', 'URI', 'EmailAddress'].map((name) => grantee.textOf(name));
  switch (grantee.attribute('type')) {
    case 'CanonicalUser':
      if (id === undefined) throw new S3Error('MalformedACLError');
      return userOf(id, directory);
    case 'Group':
      if (uri === undefined) throw new S3Error('MalformedACLError');
      return groupOf(uri);
    case 'AmazonCustomerByEmail':
      if (email === undefined) throw new S3Error('MalformedACLError');
      return userOfEmail(email, directory);
    case undefined:
    default:
      throw malformed();
  }
}

/** Groups first: clients are known that sort grants by names, which groups have not. */
export function aclXml({ owner, grants }: Acl, directory: Directory): string {
  const sorted = [...grants.filter(({ grantee }) => 'group' in grantee), ...grants.filter(({ grantee }) => 'user' in grantee)];
  return xmlDocument('AccessControlPolicy', ownerXml('Owner', owner, directory), element('AccessControlList', ...sorted.map((grant) => element('Grant', granteeXml(grant.grantee, directory), leaf('Permission', grant.permission)))));
}

export function granteeXml(grantee: Grantee, directory: Directory): string {
  const type = 'user' in grantee ? 'CanonicalUser' : 'Group';
  const content = 'user' in grantee ? leaf('ID', grantee.user) + leaf('DisplayName', displayName(grantee.user, directory)) : leaf('URI', GROUPS[grantee.group]);
  return `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${escapeText(type)}">${content}</Grantee>`;
}

/** `<Owner><ID/><DisplayName/></Owner>`. */
export function ownerXml(name: string, id: string, directory: Directory): string {
  return element(name, leaf('ID', id), leaf('DisplayName', displayName(id, directory)));
}

function displayName(id: string, directory: Directory): string {
  return directory.byCanonicalId(id)?.displayName ?? id;
}
