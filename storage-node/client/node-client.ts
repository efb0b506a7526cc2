/**
 * From a device of the ring to its two ports: the engines themselves where the device is in this process, requests to the
 * storage node that owns it where it is not. Callers cannot tell, but for the speed.
 */
import type { RingDevice } from '#ring';
import type { ListingEngine, ObjectEngine } from '#storage-node/protocol';
import { absentListings, absentObjects } from './absent-device.ts';
import { HttpTransport, type NodeAddress, type TransportOptions } from './http-transport.ts';
import { RemoteListingEngine } from './remote-listing-engine.ts';
import { RemoteObjectEngine } from './remote-object-engine.ts';

export interface DeviceClient {
  objects(policy: number): ObjectEngine;
  readonly listings: ListingEngine;
}

/** A device of this process. */
export interface LocalDevice {
  objects(policy: number): ObjectEngine | undefined;
  readonly listings: ListingEngine;
}

export interface NodeClientOptions extends TransportOptions {
  /** The node that lives in this process: what the ring has at its address is called directly. */
  readonly local?: NodeAddress & { readonly devices: ReadonlyMap<string, LocalDevice> };
}

export class NodeClient implements Disposable {
  readonly #options: NodeClientOptions;
  readonly #transports = new Map<string, HttpTransport>();
  readonly #clients = new Map<string, DeviceClient>();

  constructor(options: NodeClientOptions) {
    this.#options = options;
  }

  device({ ip, port, device }: Pick<RingDevice, 'ip' | 'port' | 'device'>): DeviceClient {
    const { local } = this.#options;
    // Not kept: a local device may come and go.
    if (local && local.ip === ip && local.port === port) return localClient(device, local.devices.get(device));
    const id = `${ip}:${port}/${device}`;
    let client = this.#clients.get(id);
    if (!client) this.#clients.set(id, (client = remoteClient(this.#transport({ ip, port }), device)));
    return client;
  }

  /** Closes connections that are kept alive. */
  [Symbol.dispose](): void {
    for (const transport of this.#transports.values()) transport[Symbol.dispose]();
  }

  #transport(address: NodeAddress): HttpTransport {
    const id = `${address.ip}:${address.port}`;
    let transport = this.#transports.get(id);
    if (!transport) this.#transports.set(id, (transport = new HttpTransport(address, this.#options)));
    return transport;
  }
}

function localClient(name: string, device: LocalDevice | undefined): DeviceClient {
  if (!device) return { objects: () => absentObjects(`device ${name}`), listings: absentListings(`device ${name}`) };
  return { objects: (policy) => device.objects(policy) ?? absentObjects(`policy ${policy} of device ${name}`), listings: device.listings };
}

function remoteClient(transport: HttpTransport, device: string): DeviceClient {
  const engines = new Map<number, ObjectEngine>();
  return {
    objects: (policy) => {
      let engine = engines.get(policy);
      if (!engine) engines.set(policy, (engine = new RemoteObjectEngine(transport, { device, policy })));
      return engine;
    },
    listings: new RemoteListingEngine(transport, device),
  };
}
