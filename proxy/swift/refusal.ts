/** Swift's way of saying no: a status, and either its small HTML page or the exact sentence that its clients look for. */

const PAGES: Readonly<Record<number, readonly [reason: string, text: string]>> = {
  400: ['Bad Request', 'The server could not comply with the request since it is either malformed or otherwise incorrect.'],
  401: ['Unauthorized', 'This server could not verify that you are authorized to access the document you requested.'],
  403: ['Forbidden', 'Access was denied to this resource.'],
  404: ['Not Found', 'The resource could not be found.'],
  405: ['Method Not Allowed', 'The method is not allowed for this resource.'],
  406: ['Not Acceptable', 'The resource is not available in a format acceptable to your browser.'],
  408: ['Request Timeout', 'The server has waited too long for the request to be sent by the client.'],
  409: ['Conflict', 'There was a conflict when trying to complete your request.'],
  410: ['Gone', 'This resource is no longer available.'],
  411: ['Length Required', 'Content-Length header required.'],
  412: ['Precondition Failed', 'A precondition for this request was not met.'],
  413: ['Request Entity Too Large', 'The body of your request was too large for this server.'],
  416: ['Requested Range Not Satisfiable', 'The Range requested is not available.'],
  417: ['Expectation Failed', ''],
  422: ['Unprocessable Entity', 'Unable to process the contained instructions'],
  497: ['Blacklisted', ''],
  498: ['Rate Limited', 'Slow down.'],
  499: ['Client Disconnect', 'The client was disconnected during request.'],
  500: ['Internal Error', 'The server has either erred or is incapable of performing the requested operation.'],
  501: ['Not Implemented', 'The requested method is not implemented by this server.'],
  502: ['Bad Gateway', 'Bad gateway.'],
  503: ['Service Unavailable', 'The server is currently unavailable. Please try again at a later time.'],
  507: ['Insufficient Storage', 'There was not enough space to save the resource.'],
};

export const HTML = 'text/html; charset=UTF-8';
export const PLAIN = 'text/plain; charset=UTF-8';

/** The page that Swift's clients know for a status. */
export function page(status: number): string {
  const [reason, text] = PAGES[status] ?? ['Error', ''];
  return `<html><h1>${reason}</h1><p>${text}</p></html>`;
}

/** `404 Not Found`, as reports of many things name what became of each. */
export function statusLine(status: number): string {
  return `${status} ${PAGES[status]?.[0] ?? REASONS[status] ?? 'Error'}`;
}

/** Reason and sentence of a status, as reports show them. */
export function explanation(status: number): string {
  return (PAGES[status] ?? []).join('\n');
}

const REASONS: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content' };

/** A refusal in the dialect's own words. Thrown by the dialect; core throws StoreErrors, which errors.ts gives a status. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;

  /** `text` replaces the status's page; it is plain text unless `headers` says otherwise. */
  constructor(status: number, text?: string, headers: Readonly<Record<string, string>> = {}) {
    super(text ?? PAGES[status]?.[0] ?? String(status));
    this.name = 'Refusal';
    this.status = status;
    this.body = text ?? page(status);
    this.headers = { 'Content-Type': text === undefined ? HTML : PLAIN, ...headers };
  }
}
