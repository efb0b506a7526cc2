/** The Content-Type of an upload that names none, or asks for detection: by the name's extension. */
import { isUtf8 } from 'node:buffer';
import mime from 'mime-types';
import { Refusal } from '../refusal.ts';
import { isTrue } from '../request.ts';

/** Types that Swift's clients know by other names than the registry's (Python's mimetypes). */
const CUSTOMARY: ReadonlyMap<string, string> = new Map(Object.entries({ wav: 'audio/x-wav', js: 'application/javascript', xml: 'application/xml', gz: 'application/gzip' }));

/** Refuses a Content-Type that no listing could show. */
export function checkContentType(given: string | undefined): void {
  if (given !== undefined && !isUtf8(Buffer.from(given, 'latin1'))) throw new Refusal(400, 'Invalid Content-Type');
}

export function contentTypeOf(name: string, given: string | undefined, detect: string | undefined): string {
  if (given !== undefined && given !== '' && !isTrue(detect)) return given;
  const extension = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return CUSTOMARY.get(extension) ?? (mime.lookup(extension) || 'application/octet-stream');
}
