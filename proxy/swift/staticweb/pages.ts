/** The HTML of a site's own pages: listings of its directories, and that there is none to see. */
import { formatIsoTimestamp } from '#common';
import { percentEncodePath } from '#common/http';
import { changedAt, isSubdirectory, type ListingEntry, type ListingRow } from '#storage-node/protocol';
import type { Site } from './site.ts';

const DOCTYPE = '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">';
const LISTING_STYLE = [
  'h1 {font-size: 1em; font-weight: bold;}',
  'th {text-align: left; padding: 0px 1em 0px 1em;}',
  'td {padding: 0px 1em 0px 1em;}',
  'a {text-decoration: none;}',
];
const NOTICE_STYLE = ['h1 {font-size: 1em; font-weight: bold;}', 'p {font-size: 2}'];

export interface Directory {
  /** The decoded path that the browser sees. */
  readonly label: string;
  /** Ends with a slash, or is empty at the top. */
  readonly prefix: string;
  /** Where links must bring their right along: what opens everything below a prefix. */
  readonly links?: { readonly prefix: string; readonly parameters: string };
}

/** A table of what is in a directory, its subdirectories first. */
export function listingPage(site: Site, { label, prefix, links }: Directory, entries: readonly ListingEntry[]): string {
  const title = escapeHtml(label);
  const linkTo = (name: string): string => link(links === undefined ? percentEncodePath(name) : `./${percentEncodePath(name)}?${escapeHtml(links.parameters)}`, escapeHtml(name));
  const parent = prefix.length <= (links?.prefix.length ?? 0) ? [] : [row('id="parent" class="item"', link(links === undefined ? '../' : `../?${escapeHtml(links.parameters)}`, '../'), '&nbsp;', '&nbsp;')];
  const subdirectories = entries.flatMap((entry) => (isSubdirectory(entry) ? [row('class="item subdir"', linkTo(entry.subdir.slice(prefix.length)), '&nbsp;', '&nbsp;')] : []));
  const objects = entries.flatMap((entry) => {
    if (isSubdirectory(entry)) return [];
    const types = entry.contentType.split('/').map((part) => `type-${escapeHtml(part.toLowerCase())}`).join(' ');
    return [row(`class="item ${types}"`, linkTo(entry.name.slice(prefix.length)), readableSize(entry.bytes), readableTime(entry))];
  });
  return [
    DOCTYPE,
    '<html>',
    ' <head>',
    `  <title>Listing of ${title}</title>`,
    stylesheet(site, prefix, LISTING_STYLE),
    ' </head>',
    ' <body>',
    `  <h1 id="title">Listing of ${title}</h1>`,
    '  <table id="listing">',
    '   <tr id="heading">',
    '    <th class="colname">Name</th>',
    '    <th class="colsize">Size</th>',
    '    <th class="coldate">Date</th>',
    '   </tr>',
    ...parent,
    ...subdirectories,
    ...objects,
    '  </table>',
    ' </body>',
    '</html>',
    '',
  ].join('\n');
}

/** Says that listings are disabled, and if an index is set, that it is not there. */
export function noListingPage(site: Site, { label, prefix }: Directory): string {
  const noIndex = `<h1>Index File Not Found</h1> <p>The owner of this web site has set <b>X-Container-Meta-Web-Index: ${escapeHtml(site.index)}</b>. However, this file is not found.</p>`;
  return [
    DOCTYPE,
    '<html>',
    '<head>',
    `<title>Listing of ${escapeHtml(label)}</title>`,
    stylesheet(site, prefix, NOTICE_STYLE),
    '</head>',
    '<body>  <h1>Web Listing Disabled</h1>   <p>The owner of this web site has disabled web listing.   <p>If you are the owner of this web site, you can enable   web listing by setting X-Container-Meta-Web-Listings.</p>' +
      `${site.index === '' ? '' : noIndex} </body>`,
    '</html>',
    '',
  ].join('\n');
}

function stylesheet({ listingsCss }: Site, prefix: string, own: readonly string[]): string {
  if (listingsCss === '') return ['  <style type="text/css">', ...own.map((rule) => `   ${rule}`), '  </style>'].join('\n');
  const absolute = /^(?:\/|https?:\/\/)/.test(listingsCss);
  const href = absolute ? percentEncodePath(listingsCss.toWellFormed()).replaceAll('%3A', ':') : '../'.repeat(prefix.split('/').length - 1) + percentEncodePath(listingsCss.toWellFormed());
  return `  <link rel="stylesheet" type="text/css" href="${href}" />`;
}

function row(attributes: string, name: string, size: string, date: string): string {
  return `   <tr ${attributes}>\n    <td class="colname">${name}</td>\n    <td class="colsize">${size}</td>\n    <td class="coldate">${date}</td>\n   </tr>`;
}

function link(href: string, text: string): string {
  return `<a href="${href}">${text}</a>`;
}

/** `512`, `3Ki`, `20Mi`. */
export function readableSize(bytes: number): string {
  let [value, unit] = [bytes, -1];
  while (value >= 1024 && unit < 7) {
    unit++;
    value = Math.round(value / 1024);
  }
  return unit < 0 ? String(value) : `${value}${'KMGTPEZY'[unit]}i`;
}

function readableTime(row: ListingRow): string {
  return formatIsoTimestamp(changedAt(row)).slice(0, 19).replace('T', ' ');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' })[character]!);
}
