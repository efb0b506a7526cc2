/** Who signed the policy of a form ("Browser-based uploads using POST"), by either version: what is signed is the policy's base64 as it came. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyHolder } from '#proxy/core';
import { signatureFault } from './fault.ts';
import type { Credentials } from './key-holders.ts';
import type { SigningKeys} from './sigv4.ts';
import { hmac, sameSignature, V4_ALGORITHM } from './sigv4.ts';

/** Fields by lower-case name. Undefined where the form has no policy: then nobody signed it. Throws where what it has does not belong together. */
export async function signerOfForm<Holder extends KeyHolder>(fields: ReadonlyMap<string, string>, credentials: (accessKey: string) => Promise<Credentials<Holder>>, keys: SigningKeys): Promise<Holder | undefined> {
  const policy = fields.get('policy');
  if (policy === undefined) return undefined;
  if (fields.get('x-amz-algorithm') === V4_ALGORITHM) return ofV4(fields, policy, credentials, keys);
  const [accessKey, signature] = [fields.get('awsaccesskeyid'), fields.get('signature')];
  if (accessKey === undefined || signature === undefined) throw signatureFault('InvalidArgument', `Bucket POST must contain a field named '${accessKey === undefined ? 'AWSAccessKeyId' : 'signature'}'.`);
  const { holder, secret } = await credentials(accessKey);
  const [signed, given] = [createHmac('sha1', secret).update(policy, 'utf8').digest(), Buffer.from(signature, 'base64')];
  if (given.length !== signed.length || !timingSafeEqual(given, signed)) throw mismatch();
  return holder;
}

async function ofV4<Holder extends KeyHolder>(fields: ReadonlyMap<string, string>, policy: string, credentials: (accessKey: string) => Promise<Credentials<Holder>>, keys: SigningKeys): Promise<Holder> {
  const [credential, signature] = [fields.get('x-amz-credential'), fields.get('x-amz-signature')];
  if (credential === undefined || signature === undefined) throw signatureFault('InvalidArgument', "Bucket POST must contain fields named 'x-amz-credential' and 'x-amz-signature'.");
  const parts = credential.split('/');
  const [date = '', region = '', service = ''] = parts.slice(-4);
  const accessKey = parts.slice(0, -4).join('/');
  const { holder, secret } = await credentials(accessKey);
  if (!sameSignature(hmac(keys.key(secret, { accessKey, date, region, service }), policy), signature)) throw mismatch();
  return holder;
}

function mismatch(): Error {
  return signatureFault('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided. Check your key and signing method.');
}
