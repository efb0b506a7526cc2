/** GET and HEAD of a container: its metadata and totals, and a page of its objects. */
import { liveMetadata } from '#proxy/core';
import type { Response } from '#proxy/edge';
import type { DatabaseInfo, ListingPage, ListingQuery } from '#storage-node/protocol';
import { isOwner } from '../authorize.ts';
import { CONSTRAINTS } from '../constraints.ts';
import { listDirectory } from '../listing/directory.ts';
import { OBJECT_ROWS } from '../listing/format.ts';
import { listingQuery } from '../listing/query.ts';
import { respondListing } from '../listing/respond.ts';
import type { ContainerRequest } from '../request.ts';
import { versionBytes } from '../versions/container.ts';
import { assertJson, formatVersions, versionsPage } from '../versions/list.ts';
import { authorizeContainer } from './access.ts';
import { containerHeaders } from './headers.ts';

export async function getContainer(request: ContainerRequest): Promise<Response> {
  const { store, account, container, query, exchange } = request;
  await authorizeContainer(request, 'container-read');
  const listing = listingQuery(query, CONSTRAINTS.container_listing_limit);
  const root = { element: 'container', name: container };
  const forOwner = await isOwner(request, account, request.accounts);
  const headersOf = async (info: DatabaseInfo): Promise<Response['headers']> => {
    const headers = containerHeaders(info, store.cluster.policies, forOwner);
    const kept = await versionBytes(request, liveMetadata(info.metadata));
    return kept === 0 ? headers : { ...headers, 'X-Container-Bytes-Used': info.totals.bytes + kept };
  };
  if (exchange.method === 'HEAD') {
    const info = await store.containers.info({ account, container });
    return respondListing(request, { entries: [], form: OBJECT_ROWS, root, headers: await headersOf(info) });
  }
  if (query.has('versions')) {
    assertJson(request);
    const { info, entries } = await versionsPage(request);
    return { status: 200, headers: { ...(await headersOf(info)), 'Content-Type': 'application/json; charset=utf-8' }, body: formatVersions(entries) };
  }
  const path = query.get('path');
  const list = (part: ListingQuery): Promise<ListingPage> => store.containers.list({ account, container }, part);
  const page = path === undefined ? await list(listing) : await listDirectory(list, path, listing);
  return respondListing(request, { entries: page.entries, form: OBJECT_ROWS, root, headers: await headersOf(page.info) });
}
