/**
 * The arrows of the house: which room may use which. ARCHITECTURE.md draws them; tidy.test.ts holds every import to them.
 * A room is named by its folder; `common` is always allowed. `main.ts` of a house may use all of its own house.
 */

/** Longest prefix first wins: the room of a file is the longest name here that its path starts with. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  common: [],
  ring: [],
  'storage-node/protocol': [],
  'storage-node/engine': ['storage-node/protocol'],
  'storage-node/client': ['storage-node/protocol', 'ring'],
  'storage-node/server': ['storage-node/engine', 'storage-node/protocol'],
  'storage-node/daemons': ['storage-node/engine', 'storage-node/protocol', 'storage-node/client', 'ring'],
  'storage-node': ['storage-node/engine', 'storage-node/server', 'storage-node/daemons', 'storage-node/client', 'storage-node/protocol', 'ring'],
  'proxy/core': ['ring', 'storage-node/client', 'storage-node/protocol'],
  'proxy/auth': ['proxy/core', 'proxy/edge'],
  'proxy/edge': [],
  'proxy/swift': ['proxy/core', 'proxy/edge', 'storage-node/protocol', 'ring'],
  'proxy/iam': ['proxy/core', 'proxy/edge', 'storage-node/protocol'],
  'proxy/s3': ['proxy/core', 'proxy/edge', 'proxy/iam', 'storage-node/protocol'],
  'proxy/admin': ['proxy/core', 'proxy/edge', 'ring', 'storage-node/protocol'],
  'proxy/janitors': ['proxy/core'],
  proxy: ['proxy/admin', 'proxy/core', 'proxy/auth', 'proxy/edge', 'proxy/iam', 'proxy/s3', 'proxy/swift', 'proxy/janitors'],
  'tools/faults': [],
  'tools/ring': ['ring'],
  'tools/server': ['tools/faults', 'ring', 'proxy', 'proxy/auth', 'proxy/core', 'storage-node', 'storage-node/client', 'storage-node/daemons', 'storage-node/protocol'],
  'tools/cluster': ['tools/faults', 'ring', 'tools/rollout', 'tools/server'],
  'tools/object': ['proxy/core', 'storage-node/protocol', 'tools/server'],
  'tools/recon': ['tools/faults', 'ring', 'storage-node', 'storage-node/protocol', 'tools/server', 'tools/ring'],
  'tools/dispersion': ['tools/faults', 'ring', 'storage-node/client', 'tools/server'],
  'tools/drive': ['tools/faults', 'ring', 'storage-node', 'storage-node/protocol', 'tools/server'],
  'tools/rollout': ['tools/faults', 'ring', 'storage-node', 'storage-node/protocol', 'tools/server'],
  'tools/fsck': ['storage-node/engine'],
  'tools/simulate': ['tools/faults', 'ring'],
  tools: ['tools/dispersion', 'tools/drive', 'tools/fsck', 'tools/simulate', 'tools/recon', 'tools/rollout', 'tools/ring', 'tools/server', 'tools/cluster', 'tools/object'],
};

/** Rooms that may use any door. */
export const FREE_ROOMS = ['bench', 'test'] as const;
