/** The HTTP server of a storage node: the two ports of its devices, over the wire of storage-node/protocol. */
export { startNodeServer, type NodeServer, type NodeServerOptions, type FenceDoor, type RingDoor } from './server.ts';
export type { ServedDevice, ServedDevices } from './served-device.ts';
