/** Every operation of the Swift API: which verb, at which level, is answered by which file. */
import type { Response } from '#proxy/edge';
import { bulk } from './bulk/index.ts';
import { deleteAccount } from './account/delete.ts';
import { getAccount } from './account/get.ts';
import { postAccount } from './account/post.ts';
import { putAccount } from './account/put.ts';
import { deleteContainer } from './container/delete.ts';
import { getContainer } from './container/get.ts';
import { postContainer } from './container/post.ts';
import { putContainer } from './container/put.ts';
import { answerOptions } from './cors/index.ts';
import { copyObject } from './object/copy.ts';
import { deleteObject } from './object/delete.ts';
import { getObject } from './object/get.ts';
import { postObject } from './object/post.ts';
import { putObject } from './object/put.ts';
import { Refusal } from './refusal.ts';
import type { ContainerRequest, Handler, ObjectRequest, SwiftRequest } from './request.ts';

const ACCOUNT: Readonly<Record<string, Handler>> = { GET: getAccount, HEAD: getAccount, POST: postAccount, PUT: putAccount, DELETE: deleteAccount };
const CONTAINER: Readonly<Record<string, Handler<ContainerRequest>>> = {
  GET: getContainer,
  HEAD: getContainer,
  POST: postContainer,
  PUT: putContainer,
  DELETE: deleteContainer,
};
const OBJECT: Readonly<Record<string, Handler<ObjectRequest>>> = {
  GET: getObject,
  HEAD: getObject,
  POST: postObject,
  PUT: putObject,
  DELETE: deleteObject,
  COPY: copyObject,
};

/** Answers a request by its method and the depth of its target; 405 with Allow for methods that are not there. */
export function route(request: SwiftRequest): Promise<Response> {
  const many = bulk(request);
  if (many !== undefined) return Promise.resolve(many);
  const { container, object } = request;
  const { method } = request.exchange;
  if (container === undefined) return run(ACCOUNT, method, request);
  if (object === undefined) return run(CONTAINER, method, { ...request, container });
  return run(OBJECT, method, { ...request, container, object });
}

function run<R extends SwiftRequest>(table: Readonly<Record<string, Handler<R>>>, method: string, request: R): Promise<Response> {
  const handler = Object.hasOwn(table, method) ? table[method] : undefined;
  if (handler !== undefined) return handler(request);
  if (method === 'OPTIONS') return answerOptions(request, Object.keys(table));
  throw new Refusal(405, undefined, { Allow: [...Object.keys(table), 'OPTIONS'].sort().join(', ') });
}
