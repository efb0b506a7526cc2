/** GET /info: what this cluster can do. What is listed works; what does not is not listed: clients switch on it. */
import type { Response } from '#proxy/edge';
import type { PolicySet } from '#ring';
import { CONSTRAINTS } from './constraints.ts';
import { SLO_LIMITS } from './slo/limits.ts';
import { SYMLOOP_MAX } from './symlink/link.ts';

export type Info = Readonly<Record<string, unknown>>;

export function describeInfo(options: { version: string; policies: PolicySet; tempauth: boolean }): Info {
  return {
    swift: {
      version: options.version,
      ...CONSTRAINTS,
      account_autocreate: true,
      allow_account_management: true,
      strict_cors_mode: true,
      valid_api_versions: ['v1', 'v1.0'],
      policies: [...options.policies].map((policy) => ({
        name: policy.name,
        aliases: [policy.name, ...policy.aliases].join(', '),
        ...(policy.default ? { default: true } : {}),
        ...(policy.deprecated ? { deprecated: true } : {}),
      })),
    },
    ...(options.tempauth ? { tempauth: { account_acls: false } } : {}),
    dlo: {},
    symlink: { symloop_max: SYMLOOP_MAX, static_links: true },
    slo: { ...SLO_LIMITS, allow_async_delete: false },
  };
}

export function getInfo(info: Info): Response {
  const body = JSON.stringify(info);
  return { status: 200, headers: { 'Content-Type': 'application/json; charset=UTF-8', 'Content-Length': Buffer.byteLength(body) }, body };
}
