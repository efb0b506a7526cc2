/** How much one bulk request may do, as /info publishes it. */

export const BULK_UPLOAD = { max_containers_per_extraction: 10_000, max_failed_extractions: 1000 } as const;
export const BULK_DELETE = { max_deletes_per_request: 10_000, max_failed_deletes: 1000 } as const;

/** What is done at once of one request. */
export const CONCURRENCY = 32;
