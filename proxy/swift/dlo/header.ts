/** X-Object-Manifest, which makes an object a dynamic large one: `container/prefix`, percent-encoded. */
import { percentDecode } from '#common/http';
import { SYSTEM_PREFIX } from '#proxy/core';
import { Refusal } from '../refusal.ts';

/** The metadata name under which an object keeps its `container/prefix`, encoded as the client sent it. */
export const DYNAMIC = `${SYSTEM_PREFIX}dynamic-manifest`;

/** The metadata of a PUT or POST with this header; refuses what does not name a container and a prefix. */
export function dynamicMetadata(header: string | undefined): Record<string, string> {
  if (header === undefined || header === '') return {};
  const { container, prefix } = parseDynamic(header);
  if (container === '' || prefix === '' || /[?&]/.test(header) || prefix.startsWith('/')) {
    throw new Refusal(400, 'X-Object-Manifest must be in the format container/prefix');
  }
  return { [DYNAMIC]: header.replace(/^\//, '') };
}

export function parseDynamic(value: string): { container: string; prefix: string } {
  const text = percentDecode(value.replace(/^\//, '')) ?? '';
  const slash = text.indexOf('/');
  return slash < 0 ? { container: text, prefix: '' } : { container: text.slice(0, slash), prefix: text.slice(slash + 1) };
}
