/** DeleteObjects: up to a thousand at once; what becomes of each is in the answer. */
import type { Response } from '#proxy/edge';
import { asS3Error, S3Error } from '../errors.ts';
import { deleteCondition } from '../object/conditions.ts';
import { vouchedBody } from '../object/content-md5.ts';
import { deleteOne } from '../object/delete.ts';
import { formatVersionId, parseVersionId } from '../object/version-id.ts';
import { xmlAnswer, type BucketRequest } from '../request.ts';
import { malformed, parseXml, type XmlElement } from '../xml/parse.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

const MAX_OBJECTS = 1000;
const MAX_BODY_BYTES = 2 * 1024 ** 2;
const AT_ONCE = 16;

export async function deleteObjects(request: BucketRequest): Promise<Response> {
  // A list that no thousand keys could make so long is none.
  if ((request.identified.decodedBytes ?? 0) > MAX_BODY_BYTES) throw malformed();
  const body = await vouchedBody(request, { maxBytes: MAX_BODY_BYTES, required: true });
  const root = parseXml(body, 'Delete');
  const objects = root.all('Object');
  if (objects.length === 0 || objects.length > MAX_OBJECTS) throw malformed();
  if (objects.some((entry) => entry.one('Key')?.text === '')) throw new S3Error('UserKeyMustBeSpecified');
  const quiet = root.textOf('Quiet')?.toLowerCase() === 'true';
  const results: string[] = new Array<string>(objects.length).fill('');
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < objects.length; i = next++) results[i] = await deleteEntry(request, objects[i]!, quiet);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, objects.length) }, worker));
  return xmlAnswer(xmlDocument('DeleteResult', ...results));
}

async function deleteEntry(request: BucketRequest, entry: XmlElement, quiet: boolean): Promise<string> {
  const key = entry.one('Key')?.text ?? '';
  const versionText = entry.textOf('VersionId');
  try {
    if (key === '' || key.includes('\0')) throw malformed();
    const versionId = versionText === undefined || versionText === '' ? undefined : parseVersionId(versionText);
    const condition = deleteCondition({ etag: entry.textOf('ETag'), modified: entry.textOf('LastModifiedTime'), size: entry.textOf('Size') });
    const { account, container } = request.bucket;
    const deleted = await deleteOne({ ...request, key, target: { account, container, object: key } }, versionId, condition);
    if (quiet) return '';
    const marker = deleted.marker ? leaf('DeleteMarker', true) + leaf('DeleteMarkerVersionId', deleted.versionId === undefined ? undefined : formatVersionId(deleted.versionId)) : '';
    return element('Deleted', leaf('Key', key), leaf('VersionId', versionText), marker);
  } catch (error) {
    const fault = asS3Error(error);
    if (fault === undefined) throw error;
    return element('Error', leaf('Key', key), leaf('VersionId', versionText), leaf('Code', fault.code), leaf('Message', fault.message));
  }
}
