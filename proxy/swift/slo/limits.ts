/** The limits of static large objects, as /info publishes them. */
import { YIELD_FREQUENCY } from '../report/keep-alive.ts';

export const SLO_LIMITS = { max_manifest_segments: 1000, max_manifest_size: 8 << 20, yield_frequency: YIELD_FREQUENCY, min_segment_size: 1 } as const;
