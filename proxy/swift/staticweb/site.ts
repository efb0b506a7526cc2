/** What a container's owner decided of it as a web site (`X-Container-Meta-Web-...`). */
import { USER_PREFIX } from '#proxy/core';

export interface Site {
  /** The object shown for a directory. */
  readonly index: string;
  /** Shown for a fault with its status before it: `404error.html`. */
  readonly error: string;
  /** Whether directories without an index are listed, in its word. */
  readonly listings: string;
  readonly listingsCss: string;
  /** Shown in listings instead of the container's path. */
  readonly listingsLabel: string;
  /** The Content-Type of objects that stand for directories. */
  readonly directoryType: string;
}

export function siteOf(metadata: Readonly<Record<string, string>>): Site {
  const word = (name: string): string => Buffer.from(metadata[`${USER_PREFIX}web-${name}`] ?? '', 'latin1').toString('utf8').trim();
  return {
    index: word('index'),
    error: word('error'),
    listings: word('listings'),
    listingsCss: word('listings-css'),
    listingsLabel: word('listings-label'),
    directoryType: word('directory-type') || 'application/directory',
  };
}
