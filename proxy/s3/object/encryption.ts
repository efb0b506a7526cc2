/**
 * Encryption that clients ask for: under a key of their own (SSE-C), the cluster's (SSE-S3) or a named one (SSE-KMS), in headers or by the
 * bucket's default. What an object was stored with is a label in its metadata; keys are never stored.
 */
import { hash } from 'node:crypto';
import { ClientKey, type Keymaster } from '#proxy/core';
import type { Exchange } from '#proxy/edge';
import type { Metadata } from '#storage-node/protocol';
import type { Bucket } from '../bucket/bucket.ts';
import { S3Error } from '../errors.ts';
import type { BucketRequest } from '../request.ts';
import { OBJECT_ENCRYPTION } from './metadata.ts';

export interface Encrypting {
  readonly keymaster: Keymaster;
  /** `AES256`, `aws:kms key-id`, or `C md5-of-key`. */
  readonly label: string;
}

export interface BucketEncryption {
  readonly algorithm: 'AES256' | 'aws:kms';
  readonly keyId?: string | undefined;
  readonly bucketKey?: boolean | undefined;
}

const SSE = 'x-amz-server-side-encryption';
const CLIENT = 'customer';

export function bucketEncryption(bucket: Bucket): BucketEncryption | undefined {
  return bucket.parsed('encryption', (text) => JSON.parse(text) as BucketEncryption);
}

/** How a new object is to be encrypted; undefined for not at all. Refuses what contradicts itself or cannot be kept. */
export function encryptionFor(request: BucketRequest): Encrypting | undefined {
  const { exchange, bucket } = request;
  const client = clientKeyOf(exchange);
  const [algorithm, keyId] = [exchange.header(SSE), exchange.header(`${SSE}-aws-kms-key-id`)];
  if (client !== undefined) {
    if (algorithm !== undefined) throw new S3Error('InvalidArgument', 'Server Side Encryption with Customer provided key is incompatible with the encryption method specified', { ArgumentName: SSE, ArgumentValue: algorithm });
    return { keymaster: client, label: `C ${client.id}` };
  }
  if (algorithm !== undefined) return encryptingBy(request, algorithm, keyId);
  if (keyId !== undefined) throw new S3Error('InvalidArgument', 'The header x-amz-server-side-encryption-aws-kms-key-id needs x-amz-server-side-encryption: aws:kms', { ArgumentName: `${SSE}-aws-kms-key-id`, ArgumentValue: keyId });
  const standard = bucketEncryption(bucket);
  return standard === undefined ? undefined : encryptingBy(request, standard.algorithm, standard.keyId);
}

function encryptingBy(request: BucketRequest, algorithm: string, keyId: string | undefined): Encrypting {
  if (algorithm === 'AES256') {
    if (keyId !== undefined) throw new S3Error('InvalidArgument', 'The encryption method specified is not supported with a KMS key id', { ArgumentName: `${SSE}-aws-kms-key-id`, ArgumentValue: keyId });
    return { keymaster: rootsOf(request), label: algorithm };
  }
  if (algorithm !== 'aws:kms') throw new S3Error('InvalidArgument', 'The encryption method specified is not supported', { ArgumentName: SSE, ArgumentValue: algorithm });
  if (keyId === undefined || keyId === '') throw new S3Error('InvalidArgument', 'There is no default KMS key here: name one', { ArgumentName: `${SSE}-aws-kms-key-id` });
  return { keymaster: namedKey(request, keyId), label: `aws:kms ${keyId}` };
}

function rootsOf({ store }: BucketRequest): Keymaster {
  const { roots } = store.encryption;
  if (roots === undefined) throw new S3Error('NotImplemented', 'Server-side encryption is not configured');
  return roots;
}

function namedKey({ store }: BucketRequest, id: string): Keymaster {
  const keymaster = store.encryption.namedKey(id);
  if (keymaster === undefined) throw new S3Error('KMS.NotFoundException', `Key '${id}' does not exist`);
  return keymaster;
}

/** The keymaster of an object that is to be like one with this label, e.g. of a part. */
export function encryptionLike(request: BucketRequest, label: string | undefined): Encrypting | undefined {
  const client = clientKeyOf(request.exchange);
  if (label?.startsWith('C ') === true) {
    checkClientKey(label, client);
    return { keymaster: client!, label };
  }
  if (client !== undefined) throw new S3Error('InvalidRequest', 'The multipart upload was not initiated with a customer provided encryption key');
  if (label === undefined) return undefined;
  const [algorithm = '', keyId] = label.split(' ');
  return encryptingBy(request, algorithm, keyId);
}

/** The key that came in the headers; `prefix` for that of a copy's source. Refuses one that is incomplete or not what its MD5 says. */
export function clientKeyOf({ headers }: Pick<Exchange, 'headers'>, prefix = ''): ClientKey | undefined {
  const base = prefix === '' ? `${SSE}-${CLIENT}` : `${prefix}server-side-encryption-${CLIENT}`;
  const [algorithm, encoded, md5] = ['algorithm', 'key', 'key-md5'].map((name) => headers[`${base}-${name}`] as string | undefined);
  if (algorithm === undefined && encoded === undefined && md5 === undefined) return undefined;
  if (algorithm === undefined) throw new S3Error('InvalidArgument', 'Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.', { ArgumentName: `${base}-algorithm` });
  if (algorithm !== 'AES256') throw new S3Error('InvalidEncryptionAlgorithmError', undefined, { ArgumentName: `${base}-algorithm`, ArgumentValue: algorithm });
  if (encoded === undefined) throw new S3Error('InvalidArgument', 'Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.', { ArgumentName: `${base}-key` });
  const key = Buffer.from(encoded, 'base64');
  if (key.length !== 32) throw new S3Error('InvalidArgument', 'The secret key was invalid for the specified algorithm.', { ArgumentName: `${base}-key` });
  if (md5 === undefined || hash('md5', key, 'base64') !== md5) throw new S3Error('InvalidArgument', 'The calculated MD5 hash of the key did not match the hash that was provided.', { ArgumentName: `${base}-key-md5`, ...(md5 === undefined ? {} : { ArgumentValue: md5 }) });
  return new ClientKey(key);
}

/** Refuses to show an object without the key that its client keeps, or with one that it was not stored with. */
export function checkReadKey(metadata: Metadata, key: ClientKey | undefined): void {
  const label = metadata[OBJECT_ENCRYPTION];
  if (label?.startsWith('C ') === true) checkClientKey(label, key);
  else if (key !== undefined) throw new S3Error('InvalidRequest', 'The encryption parameters are not applicable to this object.');
}

function checkClientKey(label: string, key: ClientKey | undefined): void {
  if (key === undefined) throw new S3Error('InvalidRequest', 'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.');
  if (label !== `C ${key.id}`) throw new S3Error('InvalidRequest', 'The provided encryption parameters did not match the ones used originally to encrypt the object.');
}

/** Only writes say how to encrypt; of a read it is a mistake. */
export function refuseOnRead({ headers }: Pick<Exchange, 'headers'>): void {
  if (headers[SSE] !== undefined || headers[`${SSE}-aws-kms-key-id`] !== undefined) throw new S3Error('InvalidArgument', 'x-amz-server-side-encryption header is not supported for this operation.', { ArgumentName: SSE });
}
