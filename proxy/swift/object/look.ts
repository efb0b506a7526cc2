/** Looks at an object for a caller: at itself, or at what it stands for. Each form has its room. */
import { DYNAMIC, ETAG, isReserved, LINK_TARGET, linkOf, MANIFEST_ETAG, VERSIONS } from '#proxy/core';
import { authorizeContainer } from '../container/access.ts';
import { showDynamic } from '../dlo/show.ts';
import { Refusal } from '../refusal.ts';
import type { ObjectRequest } from '../request.ts';
import { showStatic } from '../slo/show.ts';
import { showLink } from '../symlink/show.ts';
import { mismatch } from '../symlink/link.ts';
import { lookAtVersion } from '../versions/look.ts';
import { asItIs, type Found, type Reading, type Representation, type Show, type Trail } from './representation.ts';

/** The forms, by the name of the metadata that makes an object one. */
const FORMS: readonly (readonly [mark: string, show: Show])[] = [[LINK_TARGET, showLink], [MANIFEST_ETAG, showStatic], [DYNAMIC, showDynamic]];

const START: Trail = { links: 0, led: false, manifests: 0, dynamic: false };

/** What the caller sees of the request's target; to be disposed. Throws where he may not read it, or there is nothing. */
export async function lookAt(request: ObjectRequest, reading: Reading, trail: Trail = START): Promise<Representation> {
  if (trail.led && isReserved(request.container)) return lookAtStored(request, reading, trail);
  const container = await authorizeContainer(request, 'object-read');
  const versioned = !trail.led && (container?.metadata[VERSIONS] !== undefined || request.query.has('version-id'));
  if (versioned) return lookAtVersion(request, container, (target) => lookAtStored(target, reading, trail));
  return lookAtStored(request, reading, trail);
}

/** What is to be seen, rights or not. */
async function lookAtStored(request: ObjectRequest, reading: Reading, trail: Trail): Promise<Representation> {
  const found = await find(request, reading);
  try {
    if (trail.expects !== undefined) assertExpected(found, trail.expects);
    for (const [mark, show] of FORMS) {
      if (found.info.metadata[mark] !== undefined) return await show(request, found, reading, { trail: { ...trail, expects: undefined }, lookAt });
    }
    return asItIs(found);
  } catch (error) {
    await found.open?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** A static link leads to one state of its target only. */
function assertExpected({ info }: Found, expected: string): void {
  const link = linkOf(info.metadata);
  const etag = link?.etag ?? info.metadata[ETAG];
  if (etag !== expected) throw new Refusal(409, mismatch(link?.etag, etag, expected), { 'Content-Type': 'text/plain' });
}

async function find({ store, account, container, object }: ObjectRequest, reading: Reading): Promise<Found> {
  const target = { account, container, object };
  if (reading === 'head') return { info: await store.objects.head(target), open: undefined };
  const open = await store.objects.get(target);
  return { info: open.info, open };
}
