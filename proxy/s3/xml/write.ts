/** Documents of S3: answers in its namespace, and plain ones. */
import { XML_HEAD } from '#common/xml';

export { element, escapeText, leaf } from '#common/xml';

export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** A whole document in S3's namespace. */
export function xmlDocument(root: string, ...content: readonly string[]): string {
  return `${XML_HEAD}<${root} xmlns="${S3_NAMESPACE}">${content.join('')}</${root}>`;
}

export function plainDocument(root: string, ...content: readonly string[]): string {
  return `${XML_HEAD}<${root}>${content.join('')}</${root}>`;
}
