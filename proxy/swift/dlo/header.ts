/** X-Object-Manifest, which makes an object a dynamic large one: `container/prefix`, percent-encoded. */
import { DYNAMIC, parseDynamic } from '#proxy/core';
import { Refusal } from '../refusal.ts';

/** The metadata of a PUT or POST with this header; refuses what does not name a container and a prefix. */
export function dynamicMetadata(header: string | undefined): Record<string, string> {
  if (header === undefined || header === '') return {};
  const { container, prefix } = parseDynamic(header);
  if (container === '' || prefix === '' || /[?&]/.test(header) || prefix.startsWith('/')) {
    throw new Refusal(400, 'X-Object-Manifest must be in the format container/prefix');
  }
  return { [DYNAMIC]: header.replace(/^\//, '') };
}
