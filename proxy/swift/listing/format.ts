/** Listings in the three forms Swift speaks: text, JSON and XML; and which of them a request wants. */
import { formatIsoTimestamp } from '#common';
import { parseListed, versionedContainer, versionOfLink, type ListedLink } from '#proxy/core';
import type { PolicySet } from '#ring';
import { changedAt, isSubdirectory, type ListingEntry, type ListingRow } from '#storage-node/protocol';
import { Refusal } from '../refusal.ts';
import { pathOf } from '../symlink/link.ts';
import { versionPath } from '../versions/show.ts';

export type ListingFormat = 'text/plain' | 'application/json' | 'application/xml' | 'text/xml';

const OFFERED: readonly ListingFormat[] = ['text/plain', 'application/json', 'application/xml', 'text/xml'];
const BY_PARAMETER: ReadonlyMap<string, ListingFormat> = new Map([['plain', 'text/plain'], ['json', 'application/json'], ['xml', 'application/xml']]);

/** What `format=` or else Accept asks for; 406 where nothing offered is acceptable. An unknown `format` is text. */
export function listingFormat(parameter: string | undefined, accept: string | undefined): ListingFormat {
  if (parameter !== undefined && parameter !== '') return BY_PARAMETER.get(parameter.toLowerCase()) ?? 'text/plain';
  if (accept === undefined || accept.trim() === '') return 'text/plain';
  let best: { format: ListingFormat; quality: number } | undefined;
  for (const format of OFFERED) {
    const quality = qualityOf(format, accept);
    if (quality > 0 && (best === undefined || quality > best.quality)) best = { format, quality };
  }
  if (best === undefined) throw new Refusal(406);
  return best.format;
}

/** RFC 9110, section 12.5.1: the most specific range that matches decides. */
function qualityOf(format: string, accept: string): number {
  let [specificity, quality] = [-1, 0];
  for (const part of accept.split(',')) {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const [type, subtype] = range.split('/');
    if (type === undefined || subtype === undefined) throw new Refusal(400, 'Invalid Accept header');
    const matches = range === format ? 2 : subtype === '*' && format.startsWith(`${type}/`) ? 1 : range === '*/*' ? 0 : -1;
    if (matches <= specificity) continue;
    specificity = matches;
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    quality = q === undefined ? 1 : Number(q.slice(2)) || 0;
  }
  return quality;
}

/** How one kind of row is written. */
export interface RowForm {
  json(row: ListingRow): string;
  xml(row: ListingRow): string;
}

/** Rows of an account. A policy that is not known here any more is left out. */
export function containerRows(policies: PolicySet): RowForm {
  const names = new Map([...policies].map(({ index, name }) => [index, name]));
  return {
    json: (row) => {
      const policy = names.get(row.policy);
      return `{"name":${quoteJson(row.name)},"count":${row.count},"bytes":${row.bytes},"last_modified":"${lastModified(row)}"${policy === undefined ? '' : `,"storage_policy":${quoteJson(policy)}`}}`;
    },
    xml: (row) => {
      const policy = names.get(row.policy);
      return `<container><name>${escapeXml(row.name)}</name><count>${row.count}</count><bytes>${row.bytes}</bytes><last_modified>${lastModified(row)}</last_modified>${policy === undefined ? '' : `<storage_policy>${escapeXml(policy)}</storage_policy>`}</container>`;
    },
  };
}

export const OBJECT_ROWS: RowForm = {
  json: (row) =>
    row.etag.length > 32 ? JSON.stringify(rowFields(row)) : `{"bytes":${row.bytes},"content_type":${quoteJson(row.contentType)},"hash":${quoteJson(row.etag)},"last_modified":"${lastModified(row)}","name":${quoteJson(row.name)}}`,
  xml: (row) => {
    const { bytes, hash } = row.etag.length > 32 ? rowFields(row) : { bytes: row.bytes, hash: row.etag };
    return `<object><name>${escapeXml(row.name)}</name><hash>${escapeXml(String(hash))}</hash><bytes>${String(bytes)}</bytes><content_type>${escapeXml(row.contentType)}</content_type><last_modified>${lastModified(row)}</last_modified></object>`;
  },
};

/** The body of a listing. `root` is the XML element around it, e.g. `<container name="photos">`. */
export function formatListing(format: ListingFormat, entries: readonly ListingEntry[], form: RowForm, root: { element: string; name: string }): string {
  if (format === 'application/json') {
    return `[${entries.map((entry) => (isSubdirectory(entry) ? `{"subdir":${quoteJson(entry.subdir)}}` : form.json(entry))).join(',')}]`;
  }
  if (format === 'text/plain') return entries.map((entry) => `${isSubdirectory(entry) ? entry.subdir : entry.name}\n`).join('');
  const inner = entries.map((entry) => (isSubdirectory(entry) ? subdirXml(entry.subdir) : form.xml(entry))).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root.element} name="${escapeXml(root.name)}">${inner}</${root.element}>`;
}

function subdirXml(subdir: string): string {
  return `<subdir name="${escapeXml(subdir)}"><name>${escapeXml(subdir)}</name></subdir>`;
}

/** The fields of a row in JSON, also of one whose object stands for others. */
export function rowFields(row: ListingRow): Record<string, string | number | boolean> {
  const { etag, manifestEtag, link } = parseListed(row.etag);
  const version = link === undefined ? undefined : versionOfLink(link.target);
  const fields = { bytes: row.bytes, content_type: row.contentType, hash: etag, last_modified: lastModified(row), name: row.name };
  const ofManifest = manifestEtag === undefined ? {} : { slo_etag: `"${manifestEtag}"` };
  if (link === undefined) return { ...fields, ...ofManifest };
  if (version === undefined) return { ...fields, ...ofManifest, ...linkFields(link) };
  const { account, container } = link.target;
  const path = versionPath({ account, container: versionedContainer(container) ?? container, object: row.name }, version);
  return { ...fields, ...ofManifest, bytes: link.bytes ?? 0, hash: link.etag ?? etag, symlink_path: path, version_symlink: true };
}

function linkFields({ target, etag, bytes }: ListedLink): Record<string, string | number> {
  return { symlink_path: pathOf(target), ...(etag === undefined ? {} : { symlink_etag: etag }), ...(bytes === undefined ? {} : { symlink_bytes: bytes }) };
}

let lastSecond = -1;
let lastSecondText = '';

/** A row's time in ISO form; rows of one second share the work. */
function lastModified(row: ListingRow): string {
  const timestamp = changedAt(row);
  const second = Math.floor(timestamp / 100_000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastSecondText = formatIsoTimestamp(timestamp).slice(0, 20);
  }
  return `${lastSecondText}${String((timestamp % 100_000) * 10).padStart(6, '0')}`;
}

const PLAIN_JSON = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function quoteJson(text: string): string {
  return PLAIN_JSON.test(text) ? `"${text}"` : JSON.stringify(text);
}

const XML_ENTITIES: ReadonlyMap<string, string> = new Map([['&', '&amp;'], ['<', '&lt;'], ['>', '&gt;'], ['"', '&quot;'], ['\t', '&#9;'], ['\n', '&#10;'], ['\r', '&#13;']]);
const XML_SPECIAL = /[&<>"\0-\x1f\ufffe\uffff]/g;

/**
 * Blanks that a parser would make into others become references. Other control characters cannot be in an XML document at all (XML
 * 1.0, section 2.2): they are shown as U+FFFD, so that one such name does not make the whole page unreadable. JSON has them all.
 */
function escapeXml(text: string): string {
  return text.search(XML_SPECIAL) < 0 ? text : text.replace(XML_SPECIAL, (character) => XML_ENTITIES.get(character) ?? '\ufffd');
}
