/** An error of a website, for people. */
import { STATUS_CODES } from 'node:http';
import type { Exchange, Response } from '#proxy/edge';
import type { S3Error } from '../errors.ts';
import { escapeText } from '../xml/write.ts';

/** `second` is why the website's own page cannot be shown. */
export function errorPage({ transactionId }: Exchange, fault: S3Error, second?: S3Error): Response {
  const title = `${fault.status} ${STATUS_CODES[fault.status] ?? ''}`.trim();
  const ids = [['RequestId', transactionId], ['HostId', transactionId]] as const;
  const body = [
    `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>`,
    list([...wordsOf(fault), ...ids]),
    ...(second === undefined ? [] : ['<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>', list(wordsOf(second))]),
    '<hr/>\n</body>\n</html>\n',
  ].join('\n');
  return { status: fault.status, headers: { 'Content-Type': 'text/html; charset=utf-8', 'x-amz-error-code': fault.code, 'x-amz-error-message': fault.message, ...fault.headers }, body };
}

function wordsOf({ code, message, detail }: S3Error): (readonly [string, string])[] {
  return [['Code', code], ['Message', message], ...Object.entries(detail)];
}

function list(words: readonly (readonly [name: string, text: string])[]): string {
  return `<ul>\n${words.map(([name, text]) => `<li>${name}: ${escapeText(text)}</li>`).join('\n')}\n</ul>`;
}
