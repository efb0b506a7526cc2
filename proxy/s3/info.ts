/** What Swift's GET /info says of this dialect, under the name that Swift's clients know: its limits. */
import { MAX_PAGE, MAX_PARTS, MIN_PART_BYTES } from './object/limits.ts';

export function describeS3(): Readonly<Record<'s3api', object>> {
  return {
    s3api: { max_bucket_listing: MAX_PAGE, max_parts_listing: MAX_PAGE, max_upload_part_num: MAX_PARTS, max_multi_delete_objects: MAX_PAGE, allow_multipart_uploads: true, min_segment_size: MIN_PART_BYTES, s3_acl: true },
  };
}
