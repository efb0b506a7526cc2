/** GET /info: what this cluster can do. What is listed works; what does not is not listed: clients switch on it. */
import type { PolicySet } from '#ring';
import { BULK_DELETE, BULK_UPLOAD } from './bulk/limits.ts';
import { CONSTRAINTS } from './constraints.ts';
import { optionalSections } from './info-sections.ts';
import type { SwiftSettings } from './settings.ts';
import { SLO_LIMITS } from './slo/limits.ts';
import { SYMLOOP_MAX } from './symlink/link.ts';

export type Info = Readonly<Record<string, unknown>>;

export function describeInfo({ settings, ...options }: { version: string; policies: PolicySet; tempauth: boolean; settings: SwiftSettings }): Info {
  return {
    swift: {
      version: options.version,
      ...CONSTRAINTS,
      account_autocreate: true,
      allow_account_management: settings.accountManagement,
      strict_cors_mode: settings.cors.strict,
      valid_api_versions: ['v1', 'v1.0'],
      policies: [...options.policies].map((policy) => ({
        name: policy.name,
        aliases: [policy.name, ...policy.aliases].join(', '),
        ...(policy.default ? { default: true } : {}),
        ...(policy.deprecated ? { deprecated: true } : {}),
      })),
    },
    ...(options.tempauth ? { tempauth: { account_acls: true } } : {}),
    ...optionalSections(settings),
    dlo: {},
    bulk_upload: BULK_UPLOAD,
    bulk_delete: BULK_DELETE,
    container_quotas: {},
    account_quotas: {},
    object_versioning: {},
    versioned_writes: { allowed_flags: ['x-versions-location', 'x-history-location'] },
    symlink: { symloop_max: SYMLOOP_MAX, static_links: true },
    slo: { ...SLO_LIMITS, allow_async_delete: settings.slo.asyncDelete },
  };
}

