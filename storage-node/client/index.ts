/** How the rest of the cluster reaches devices: NodeClient gives the two ports of any device of the ring. */
export { NodeClient, type DeviceClient, type LocalDevice, type NodeClientOptions } from './node-client.ts';
