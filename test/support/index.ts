/** What tests stand on: a cluster in one process, and the parts it is made of. */
export { eventually } from './eventually.ts';
export { freePorts } from './free-ports.ts';
export { ringsOver, type TestPlace, type TestRings } from './rings.ts';
export { SwiftSession, type SwiftAnswer } from './swift-session.ts';
export { TEST_SECRET, TestCluster, type TestClusterOptions } from './test-cluster.ts';
export { TestNode } from './test-node.ts';
export { TEST_USERS, TestProxy, type Login } from './test-proxy.ts';
