/** What the operator decided of the dialect's optional features. */
import type { Config } from '#common';

export type SwiftSettings = Config['swift'];
