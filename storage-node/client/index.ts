/** How the rest of the cluster reaches devices: NodeClient gives the two ports of any device of the ring; and how replicas' states are compared and mended. */
export { bringUpToDate, rewrite } from './bring-up-to-date.ts';
export { NodeClient, type DeviceClient, type LocalDevice, type NodeClientOptions } from './node-client.ts';
export { compareStates } from './states.ts';
