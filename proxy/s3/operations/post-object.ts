/** POST Object: a browser's form uploads a file, within what its policy lets it say. */
import type { IncomingHttpHeaders } from 'node:http';
import { percentEncodePath } from '#common/http';
import { bodyOfChunks } from '#common/stream';
import type { Response } from '#proxy/edge';
import { authorize } from '../access/authorize.ts';
import { S3Error } from '../errors.ts';
import { readForm, type UploadForm } from '../form/fields.ts';
import { checkPolicy, type LengthRange } from '../form/policy.ts';
import { checkedBody, checksumHeaders, packChecksum, promisedChecksum } from '../object/checksum.ts';
import { contentMd5 } from '../object/content-md5.ts';
import { encryptionFor } from '../object/encryption.ts';
import { checkKey } from '../object/key.ts';
import { encryptionHeaders, metadataOfHeaders, OBJECT_CHECKSUM } from '../object/metadata.ts';
import { checkTags, MAX_OBJECT_TAGS, tagsOfXml } from '../object/tags.ts';
import { governedMetadata, writeObject, writtenHeader, type Written } from '../object/write.ts';
import { bodyOf, MAX_OBJECT_BYTES, type BucketRequest, type ObjectRequest } from '../request.ts';
import { parseXml } from '../xml/parse.ts';
import { leaf, plainDocument } from '../xml/write.ts';

const FORM = /^multipart\/form-data\s*;/i;
/** Fields that are headers of the object, beside `x-amz-...`. */
const HEADERS: readonly string[] = ['content-type', 'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires', 'content-md5'];

export async function postObject(request: BucketRequest): Promise<Response> {
  const { exchange, bucket, store } = request;
  const type = exchange.header('content-type') ?? '';
  if (!FORM.test(type)) throw new S3Error('MethodNotAllowed');
  const form = await readForm(type, bodyOf(request));
  const named = form.fields.get('key');
  if (named === undefined || named === '') throw new S3Error('InvalidArgument', "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.", { ArgumentName: 'key' });
  const key = named.replaceAll('${filename}', form.fileName);
  checkKey(key);
  if (key.includes('\0')) throw new S3Error('InvalidURI');
  const caller = (await request.auth.identifyForm(form.fields)) ?? request.caller;
  const policy = form.fields.get('policy');
  const range = policy === undefined ? undefined : checkPolicy(policy, new Map([...form.fields, ['key', key], ['bucket', bucket.container]]), store.cluster.clock.nowMs());
  const { account, container } = bucket;
  const upload: ObjectRequest = { ...request, exchange: exchange.derived({ headers: headersOf(form) }), caller, key, target: { account, container, object: key } };
  const written = await write(upload, form, range);
  return answer(upload, form, written);
}

/** The fields as the headers that a PUT would have. */
function headersOf({ fields }: UploadForm): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of fields) {
    const text = Buffer.from(value, 'utf8').toString('latin1');
    if (name === 'acl') headers['x-amz-acl'] = text;
    else if (HEADERS.includes(name) || (name.startsWith('x-amz-') && name !== 'x-amz-signature')) headers[name] = text;
  }
  return headers;
}

async function write(request: ObjectRequest, { fields, file }: UploadForm, range: LengthRange | undefined): Promise<Written & { headers: Record<string, string> }> {
  const { exchange, key } = request;
  const tagging = fields.get('tagging');
  const tags = tagging === undefined ? undefined : checkTags(tagsOfXml(parseXml(Buffer.from(tagging), 'Tagging')), MAX_OBJECT_TAGS);
  authorize(request, { action: 's3:PutObject', permission: 'WRITE', key, extras: { requestTags: tags } });
  const promised = promisedChecksum(request);
  const encryption = encryptionFor(request);
  const metadata = { ...metadataOfHeaders(exchange.headers), ...governedMetadata(request, { tags, encryption }) };
  const { body, counted } = checkedBody(request, bodyOfChunks(within(file, range), undefined), promised);
  const lateMetadata = (): Record<string, string> => {
    const checksum = counted();
    return checksum === undefined ? {} : { [OBJECT_CHECKSUM]: packChecksum(checksum) };
  };
  const written = await writeObject(request, { body, metadata, lateMetadata, expectedEtag: contentMd5(exchange), keymaster: encryption?.keymaster });
  return { ...written, headers: { ...writtenHeader(written.versionId), ...checksumHeaders(counted()), ...encryptionHeaders(encryption?.label) } };
}

/** The file's bytes; fails where they are more or fewer than the policy has. */
async function* within(file: AsyncIterable<Buffer>, range: LengthRange | undefined): AsyncGenerator<Buffer> {
  const { min, max } = range ?? { min: 0, max: MAX_OBJECT_BYTES };
  let bytes = 0;
  for await (const chunk of file) {
    bytes += chunk.length;
    if (bytes > Math.min(max, MAX_OBJECT_BYTES)) throw new S3Error('EntityTooLarge', undefined, { ProposedSize: String(bytes), MaxSizeAllowed: String(max) });
    yield chunk;
  }
  if (bytes < min) throw new S3Error('EntityTooSmall', undefined, { ProposedSize: String(bytes), MinSizeAllowed: String(min) });
}

function answer({ exchange, key, bucket }: ObjectRequest, { fields }: UploadForm, { etag, headers }: Written & { headers: Record<string, string> }): Response {
  const location = `${exchange.scheme}://${exchange.header('host') ?? 'localhost'}/${bucket.container}/${percentEncodePath(key)}`;
  const common = { ...headers, ETag: `"${etag}"` };
  const redirect = fields.get('success_action_redirect') ?? fields.get('redirect');
  if (redirect !== undefined && URL.canParse(redirect)) {
    const query = `bucket=${encodeURIComponent(bucket.container)}&key=${encodeURIComponent(key)}&etag=%22${etag}%22`;
    return { status: 303, headers: { ...common, Location: `${redirect}${redirect.includes('?') ? '&' : '?'}${query}` }, body: '' };
  }
  const status = fields.get('success_action_status');
  if (status === '201') {
    const body = plainDocument('PostResponse', leaf('Location', location), leaf('Bucket', bucket.container), leaf('Key', key), leaf('ETag', `"${etag}"`));
    return { status: 201, headers: { ...common, 'Content-Type': 'application/xml', Location: location }, body };
  }
  return { status: status === '200' ? 200 : 204, headers: { ...common, Location: location }, body: '' };
}
