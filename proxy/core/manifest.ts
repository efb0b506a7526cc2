/** Objects made of others: a list of segments read as one. Dialects have grammars for it (dynamic, static, multipart); this is what they mean. */
import { StoreError } from '#common';
import type { ObjectName, Objects } from './objects.ts';

export interface Segment {
  readonly target: ObjectName;
  readonly sizeBytes: number;
  readonly etag: string;
}

export function totalBytes(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
}

/** Bytes `start` up to `end` of the segments laid end to end. Throws `conflict` where a segment is no longer what the manifest says. */
export async function* readSegments(objects: Objects, segments: readonly Segment[], start: number, end: number): AsyncGenerator<Buffer> {
  let offset = 0;
  for (const segment of segments) {
    const from = Math.max(0, start - offset);
    const to = Math.min(segment.sizeBytes, end - offset);
    offset += segment.sizeBytes;
    if (from >= to) continue;
    await using open = await objects.get(segment.target);
    if (open.info.metadata['ETag'] !== segment.etag || open.info.sizeBytes !== segment.sizeBytes) {
      throw new StoreError('conflict', `the segment ${segment.target.container}/${segment.target.object} has changed`);
    }
    if (open.data === undefined) yield* open.read(from, to);
    else yield open.data.subarray(from, to);
  }
}
