/** The Content-Type of an upload that names none, or asks for detection: by the name's extension. */
import mime from 'mime-types';
import { isTrue } from '../request.ts';

/** Types that Swift's clients know by other names than the registry's (Python's mimetypes). */
const CUSTOMARY: Readonly<Record<string, string>> = { wav: 'audio/x-wav', js: 'application/javascript', xml: 'application/xml', gz: 'application/gzip' };

export function contentTypeOf(name: string, given: string | undefined, detect: string | undefined): string {
  if (given !== undefined && given !== '' && !isTrue(detect)) return given;
  const extension = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return CUSTOMARY[extension] ?? (mime.lookup(extension) || 'application/octet-stream');
}
