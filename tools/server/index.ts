/** `gori server` and what other commands need to know of a server's folder. */
export { serverCommand } from './command.ts';
export { makeFolder } from './embedded.ts';
export { identityOf, knownCluster, type KnownCluster } from './known-cluster.ts';
export { newIdentity, readIdentity, writeIdentity, type ClusterIdentity } from './identity.ts';
