/** Looks at an object for a caller: at itself, or at what it stands for. Each form has its room. */
import { MANIFEST_ETAG } from '#proxy/core';
import { authorizeContainer } from '../container/access.ts';
import { DYNAMIC, showDynamic } from '../dlo/show.ts';
import type { ObjectRequest } from '../request.ts';
import { showStatic } from '../slo/show.ts';
import { asItIs, type Found, type Reading, type Representation, type Show, type Trail } from './representation.ts';

/** The forms, by the name of the metadata that makes an object one. */
const FORMS: readonly (readonly [mark: string, show: Show])[] = [[MANIFEST_ETAG, showStatic], [DYNAMIC, showDynamic]];

const START: Trail = { links: 0, manifests: 0, dynamic: false };

/** What the caller sees of the request's target; to be disposed. Throws where he may not read it, or there is nothing. */
export async function lookAt(request: ObjectRequest, reading: Reading, trail: Trail = START): Promise<Representation> {
  await authorizeContainer(request, 'object-read');
  const found = await find(request, reading);
  try {
    for (const [mark, show] of FORMS) {
      if (found.info.metadata[mark] !== undefined) return await show(request, found, reading, { trail, lookAt });
    }
    return asItIs(found);
  } catch (error) {
    await found.open?.[Symbol.asyncDispose]();
    throw error;
  }
}

async function find({ store, account, container, object }: ObjectRequest, reading: Reading): Promise<Found> {
  const target = { account, container, object };
  if (reading === 'head') return { info: await store.objects.head(target), open: undefined };
  const open = await store.objects.get(target);
  return { info: open.info, open };
}
