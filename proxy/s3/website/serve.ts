/**
 * A bucket as a website: pages for browsers that sign nothing. Folders have an index, what is missing has a page that says so, rules lead
 * elsewhere; errors are HTML ("Website endpoints").
 */
import type { Response } from '#proxy/edge';
import { findBucket } from '../bucket/bucket.ts';
import type { Bucket } from '../bucket/bucket.ts';
import { asS3Error, S3Error } from '../errors.ts';
import { checkKey } from '../object/key.ts';
import { getObject, headObject } from '../operations/get-object.ts';
import { decodeName, type ObjectRequest, type S3Request } from '../request.ts';
import type { WebsiteConfiguration } from './configuration.ts';
import { errorPage } from './error-page.ts';
import { redirectionBy, redirectionOfAll, type Asked, type Redirection } from './redirection.ts';

const FOUND = 302;
const MOVED = 301;
const REDIRECT_HEADER = 'x-amz-website-redirect-location';

/** The answer of the bucket's website. What is refused is a page as well. */
export async function answerWebsite(request: S3Request, bucketName: string): Promise<Response> {
  let site: Site | undefined;
  try {
    site = await openSite(request, bucketName);
    return await site.answer();
  } catch (error) {
    const fault = asS3Error(error);
    if (fault === undefined) throw error;
    return site === undefined ? errorPage(request.exchange, fault) : site.failed(fault);
  }
}

async function openSite(request: S3Request, bucketName: string): Promise<Site> {
  const { method } = request.exchange;
  if (method !== 'GET' && method !== 'HEAD') throw new S3Error('MethodNotAllowed', undefined, { Method: method, ResourceType: 'OBJECT' }, { Allow: 'GET, HEAD' });
  const bucket = await findBucket(request.store, bucketName, undefined);
  const website = bucket.parsed('website', (text) => JSON.parse(text) as WebsiteConfiguration);
  if (website === undefined) throw new S3Error('NoSuchWebsiteConfiguration', undefined, { BucketName: bucketName });
  return new Site(request, bucket, website);
}

class Site {
  readonly #request: S3Request;
  readonly #bucket: Bucket;
  readonly #website: WebsiteConfiguration;
  readonly #asked: Asked;

  constructor(request: S3Request, bucket: Bucket, website: WebsiteConfiguration) {
    const { exchange } = request;
    this.#request = request;
    this.#bucket = bucket;
    this.#website = website;
    this.#asked = { key: decodeName(exchange.path.slice(1)), host: exchange.header('host') ?? bucket.container, protocol: exchange.scheme };
  }

  async answer(): Promise<Response> {
    const { redirectAll, indexSuffix } = this.#website;
    const asked = this.#asked;
    if (redirectAll !== undefined) return redirected(redirectionOfAll(redirectAll, asked));
    const led = redirectionBy(this.#website, asked);
    if (led !== undefined) return redirected(led);
    if (asked.key === '' || asked.key.endsWith('/')) return this.#show(asked.key + indexSuffix);
    try {
      return await this.#show(asked.key);
    } catch (error) {
      const fault = asS3Error(error);
      // A folder's name without its slash: what its index links to is relative to the folder.
      if (fault !== undefined && isMissing(fault) && (await this.#holds(`${asked.key}/${indexSuffix}`))) return redirected({ status: FOUND, location: `/${this.#request.exchange.path.slice(1)}/` });
      throw error;
    }
  }

  /** The answer to a request that failed: a rule's, the website's own page, or ours. */
  async failed(fault: S3Error): Promise<Response> {
    if (fault.status < 400) return errorPage(this.#request.exchange, fault);
    const led = redirectionBy(this.#website, this.#asked, fault.status);
    if (led !== undefined) return redirected(led);
    const { errorKey } = this.#website;
    if (errorKey === undefined || fault.status >= 500) return errorPage(this.#request.exchange, fault);
    try {
      const page = await this.#show(errorKey, true);
      return { ...page, status: fault.status, headers: { ...page.headers, 'x-amz-error-code': fault.code, 'x-amz-error-message': fault.message } };
    } catch (error) {
      const second = asS3Error(error);
      if (second === undefined) throw error;
      return errorPage(this.#request.exchange, fault, second);
    }
  }

  /** The object as anybody may read it; where it was stored with the word that it is elsewhere, it leads there. `whole`: whatever range or condition was asked of another. */
  async #show(key: string, whole = false): Promise<Response> {
    const response = await getObject(this.#ofKey(key, whole));
    const location = response.headers[REDIRECT_HEADER];
    if (location === undefined) return response;
    await response.release?.();
    return redirected({ status: MOVED, location: String(location) });
  }

  async #holds(key: string): Promise<boolean> {
    try {
      await headObject(this.#ofKey(key, true));
      return true;
    } catch (error) {
      if (asS3Error(error) === undefined) throw error;
      return false;
    }
  }

  #ofKey(key: string, whole: boolean): ObjectRequest {
    checkKey(key);
    const { account, container } = this.#bucket;
    const { exchange } = this.#request;
    const { host } = exchange.headers;
    const asked = whole ? exchange.derived({ headers: host === undefined ? {} : { host } }) : exchange;
    return { ...this.#request, exchange: asked, bucket: this.#bucket, key, target: { account, container, object: key } };
  }
}

/** Who may not list a bucket is told that he may not read what is not there. */
function isMissing({ status }: S3Error): boolean {
  return status === 404 || status === 403;
}

function redirected({ status, location }: Redirection): Response {
  return { status, headers: { Location: location, 'Content-Length': 0 } };
}
