/** What in a node's report wants looking after. */
import type { Recon } from '#storage-node';

/** Clocks further apart than this make listings and expiry surprising. */
const MAX_SKEW_MS = 1000;
/** The replicator of a device that has not been in sync for so long has more to do than it gets done, or a peer is away. */
const MAX_LAG_MS = 3_600_000;

export function troublesOf(recon: Recon | undefined, { fault, skewMs, nowMs }: { fault: string | undefined; skewMs: number; nowMs: number }): string[] {
  if (recon === undefined) return [`no answer: ${fault ?? 'unknown'}`];
  const troubles: string[] = [];
  if (Math.abs(skewMs) > MAX_SKEW_MS) troubles.push(`its clock is ${skewMs} ms from ours`);
  for (const [name, { state, quarantined, reason, damaged }] of Object.entries(recon.devices)) {
    if (state !== 'serving') troubles.push(`${name} is ${state}${reason === undefined ? '' : `: ${reason}`}`);
    if ((damaged ?? 0) > 0) troubles.push(`${name} has lost ${damaged} to damage, and does not have them again yet`);
    if (quarantined > 0) troubles.push(`${name} has ${quarantined} quarantined`);
  }
  for (const { name, lastFault, report } of Object.values(recon.daemons)) {
    if (lastFault !== undefined) troubles.push(`${name} fails: ${lastFault}`);
    const { resting, devices } = report as { resting?: readonly string[]; devices?: Readonly<Record<string, { inSyncAtMs?: number; firstPassAtMs?: number }>> };
    for (const device of resting ?? []) troubles.push(`${name} leaves ${device} alone after a failure`);
    for (const [device, { inSyncAtMs, firstPassAtMs }] of Object.entries(devices ?? {})) {
      const since = inSyncAtMs ?? firstPassAtMs;
      if (since !== undefined && nowMs - since > MAX_LAG_MS) troubles.push(`${name}: ${device} was last in sync ${Math.round((nowMs - since) / 60_000)} min ago`);
    }
  }
  return troubles;
}

/** Nodes that have other rings than most: by node, one sentence each. */
export function ringTroubles(recons: readonly { readonly node: string; readonly recon: Recon | undefined }[]): string[] {
  const files = new Set(recons.flatMap(({ recon }) => Object.keys(recon?.rings ?? {})));
  return [...files].sort().flatMap((file) => {
    const held = recons.flatMap(({ node, recon }) => (recon === undefined ? [] : [{ node, version: recon.rings[file] ?? 0 }]));
    const newest = Math.max(...held.map(({ version }) => version));
    return held.filter(({ version }) => version < newest).map(({ node, version }) => `${node}: its ${file} is version ${version}, others have ${newest}`);
  });
}
