/** Limits of keys, uploads and listings, as AWS has them. */
export const MAX_KEY_BYTES = 1024;
export const MAX_PAGE = 1000;
export const ENCODED_TAGS_LIMIT = 8192;
export const MIN_PART_BYTES = 5 * 1024 ** 2;
export const MAX_PARTS = 10_000;
