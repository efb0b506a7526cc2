/**
 * A storage node's HTTP server: answers for a set of devices to peers that show the cluster's bearer. Thin: it finds the
 * device and the operation, which do the rest.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isStoreError, StoreError, type Log } from '#common';
import { listen, type Listening } from '#common/http';
import { bearerOf, isBearer, parseRoute, type Route } from '#storage-node/protocol';
import { readBody, readJson, sendFault, sendJson, type Exchange } from './exchange.ts';
import { listingOperations } from './listing/operations.ts';
import { objectOperations } from './object/operations.ts';
import { ReaderLeases } from './reader-leases.ts';
import type { ServedDevices } from './served-device.ts';

export interface NodeServerOptions {
  readonly devices: ServedDevices;
  readonly ip: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The cluster's secret: whoever does not know it is refused. */
  readonly secret: string;
  readonly log: Log;
  /** What `GET /recon` and `GET /recon/<part>` answer, as JSON, to peers that show the bearer. */
  readonly recon?: () => Promise<Readonly<Record<string, unknown>>>;
  /** Tells which rings are in force (`GET /rings`) and takes new ones (`PUT /rings/<file>`). */
  readonly rings?: RingDoor | undefined;
  /** Tells which devices are fenced (`GET /fences`), and fences them or lets them back (`PUT /fences/<device>`, `{ fenced, reason }`). */
  readonly fences?: FenceDoor | undefined;
  /** A connection on which nothing moves for so long is cut. Default 90 s. */
  readonly idleTimeoutMs?: number;
  /** A peer that has an object open and does not read on for so long loses it. Default 60 s. */
  readonly leaseIdleMs?: number;
}

/** What the server needs of whoever keeps the rings. */
export interface RingDoor {
  versions(): Readonly<Record<string, number>>;
  /** Throws `bad-request` or `conflict`. */
  receive(name: string, bytes: Buffer): Promise<Readonly<Record<string, number>>>;
}

/** What the server needs of whoever fences devices. */
export interface FenceDoor {
  all(): Readonly<Record<string, object>>;
  /** Throws `bad-request` for a device that is not of this node. */
  change(device: string, request: { readonly fenced: boolean; readonly reason: string }): Promise<void>;
}

export interface NodeServer {
  readonly ip: string;
  readonly port: number;
  /** Takes no more connections, finishes requests in flight within `graceMs`, cuts the rest. */
  close(graceMs: number): Promise<void>;
}

const MAX_HEADER_BYTES = 16 << 10;
const MAX_OPEN_READERS = 10_000;

export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const node = new RequestListener(options);
  const listener = (request: IncomingMessage, response: ServerResponse): void => void node.answer({ request, response });
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: 15_000, requestTimeout: 0, keepAliveTimeout: 75_000, noDelay: true }, listener);
  server.on('checkContinue', listener);
  limitIdleness(server, options.idleTimeoutMs ?? 90_000);
  const listening: Listening = await listen(server, { host: options.ip, port: options.port });
  return {
    ip: listening.host,
    port: listening.port,
    close: async (graceMs) => {
      await listening.close(graceMs);
      await node.leases.releaseAll();
    },
  };
}

function limitIdleness(server: Server, idleTimeoutMs: number): void {
  server.setTimeout(idleTimeoutMs, (socket) => socket.destroy());
}

async function takeRing(exchange: Exchange, rings: RingDoor, name: string): Promise<void> {
  const { method } = exchange.request;
  if (method === 'GET' && name === '') return sendJson(exchange, rings.versions());
  if (method !== 'PUT' || name === '') throw new StoreError('bad-request', `no operation ${method} on rings`);
  sendJson(exchange, await rings.receive(name, await readBody(exchange)));
}

async function changeFence(exchange: Exchange, fences: FenceDoor, device: string): Promise<void> {
  const { method } = exchange.request;
  if (method === 'GET' && device === '') return sendJson(exchange, fences.all());
  if (method !== 'PUT' || device === '') throw new StoreError('bad-request', `no operation ${method} on fences`);
  const { fenced, reason } = await readJson(exchange);
  if (typeof fenced !== 'boolean') throw new StoreError('bad-request', 'fenced is true or false');
  await fences.change(decodeURIComponent(device), { fenced, reason: typeof reason === 'string' && reason !== '' ? reason : 'an operator says so' });
  sendJson(exchange, fences.all());
}

class RequestListener {
  readonly leases: ReaderLeases;
  readonly #devices: ServedDevices;
  readonly #bearer: string;
  readonly #log: Log;
  readonly #recon: NonNullable<NodeServerOptions['recon']>;
  readonly #rings: RingDoor | undefined;
  readonly #fences: FenceDoor | undefined;
  readonly #counts = { requests: 0, inFlight: 0, faults: 0 };

  constructor({ devices, secret, log, leaseIdleMs, recon, rings, fences }: NodeServerOptions) {
    this.#devices = devices;
    this.#bearer = bearerOf(secret);
    this.#log = log;
    this.#recon = recon ?? (async () => ({}));
    this.#rings = rings;
    this.#fences = fences;
    this.leases = new ReaderLeases({ idleMs: leaseIdleMs ?? 60_000, maxLeases: MAX_OPEN_READERS });
  }

  async answer(exchange: Exchange): Promise<void> {
    this.#counts.requests++;
    this.#counts.inFlight++;
    try {
      await this.#route(exchange);
    } catch (error) {
      this.#counts.faults++;
      if (!isStoreError(error)) this.#log.error({ err: error, url: exchange.request.url }, 'a request failed');
      sendFault(exchange, error);
    } finally {
      this.#counts.inFlight--;
    }
  }

  async #route(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    const path = request.url ?? '';
    if (path === '/healthcheck') {
      response.end('OK');
      return;
    }
    if (!isBearer(request.headers.authorization, this.#bearer)) throw new StoreError('unauthenticated', 'not of this cluster');
    if (path === '/status') {
      sendJson(exchange, { ...this.#counts, openReaders: this.leases.count, devices: [...this.#devices.keys()] });
      return;
    }
    if (/^\/recon(\/|$)/.test(path)) {
      await this.#report(exchange, path.slice('/recon/'.length));
      return;
    }
    if (this.#rings !== undefined && /^\/rings(\/|$)/.test(path)) {
      await takeRing(exchange, this.#rings, path.slice('/rings/'.length));
      return;
    }
    if (this.#fences !== undefined && /^\/fences(\/|$)/.test(path)) {
      await changeFence(exchange, this.#fences, path.slice('/fences/'.length));
      return;
    }
    const route = request.method === 'POST' ? parseRoute(path) : undefined;
    if (!route) throw new StoreError('bad-request', `no operation ${request.method} ${path}`);
    await this.#operate(exchange, route);
  }

  async #report(exchange: Exchange, part: string): Promise<void> {
    const report = await this.#recon();
    if (part !== '' && !Object.hasOwn(report, part)) throw new StoreError('bad-request', `no report of ${part}; there are ${Object.keys(report).join(' ')}`);
    sendJson(exchange, part === '' ? report : report[part]);
  }

  async #operate(exchange: Exchange, route: Route): Promise<void> {
    const device = this.#devices.get(route.device);
    if (!device) throw new StoreError('device-unavailable', `device ${route.device} is not here`);
    if (route.policy === undefined) {
      await listingOperations[route.operation](exchange, device.listings);
      return;
    }
    const engine = device.objects(route.policy);
    if (!engine) throw new StoreError('device-unavailable', `device ${route.device} has no policy ${route.policy}`);
    await objectOperations[route.operation](exchange, { engine, leases: this.leases });
  }
}
