/** How a browser is told to keep what a temporary URL brings: under which name, or shown at once, and for how long. */
import { formatHttpDate, percentEncodePath } from '#common/http';
import type { Response } from '#proxy/edge';
import type { TempUrl } from './parameters.ts';

/** The last second that an HTTP date can say. */
const LAST_SECOND = 253_402_300_799;

/** The headers with a Content-Disposition (what the URL asks for, else the object's own, else its name) and the URL's end as Expires. */
export function withDisposition(headers: Response['headers'], url: TempUrl, object: string): Response['headers'] {
  const { 'Content-Disposition': own, ...others } = headers;
  return { ...others, 'Content-Disposition': disposition(own, url, object), Expires: formatHttpDate(Math.min(url.expires, LAST_SECOND)) };
}

function disposition(own: string | number | undefined, { filename, inline }: TempUrl, object: string): string | number {
  if (inline) return filename === undefined ? 'inline' : named('inline', filename);
  if (filename !== undefined) return named('attachment', filename);
  return own ?? named('attachment', lastPart(object));
}

/** Both forms of a name (RFC 6266): for old clients, and in UTF-8 (RFC 8187). */
function named(type: string, filename: string): string {
  const name = filename.toWellFormed();
  return `${type}; filename="${percentEncodePath(name).replaceAll('%20', ' ')}"; filename*=UTF-8''${percentEncodePath(name)}`;
}

function lastPart(object: string): string {
  let end = object.length;
  while (object[end - 1] === '/') end--;
  return object.slice(object.lastIndexOf('/', end - 1) + 1, end);
}
