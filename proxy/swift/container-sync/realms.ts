/**
 * Realms of container sync: clusters whose operators trust each other with a key, and where they are. A request from one to another shows
 * that it knows the realm's key and the container's (Swift's "container_sync" middleware and `container-sync-realms.conf`).
 */
import { createHmac, randomBytes } from 'node:crypto';
import { percentEncodePath } from '#common/http';
import { Refusal } from '../refusal.ts';
import { sameText } from '../same-text.ts';
import type { SwiftSettings } from '../settings.ts';

type Settings = SwiftSettings['containerSync'];

/** What a signature is over. */
export interface Signed {
  readonly method: string;
  /** Percent-encoded. */
  readonly path: string;
  /** The value of X-Timestamp. */
  readonly timestamp: string;
  /** The container's X-Container-Sync-Key. */
  readonly userKey: string;
}

/** Where a container's objects go. */
export interface SyncTarget {
  readonly realm: string;
  readonly realmKey: string;
  /** The URL of the container there. */
  readonly url: string;
}

interface Realm {
  readonly keys: readonly string[];
  readonly clusters: ReadonlyMap<string, string>;
}

export class SyncRealms {
  readonly #realms: ReadonlyMap<string, Realm>;
  readonly #current: string;

  constructor({ realms, current }: Settings) {
    this.#realms = new Map(Object.entries(realms).map(([name, { key, key2, clusters }]) => {
      const urls = Object.entries(clusters).map(([cluster, url]) => [cluster.toUpperCase(), url] as const);
      return [name.toUpperCase(), { keys: [key, ...(key2 === undefined ? [] : [key2])], clusters: new Map(urls) }];
    }));
    this.#current = (current ?? '').toUpperCase();
  }

  get any(): boolean {
    return this.#realms.size > 0;
  }

  /** The section of /info. */
  describe(): object {
    const clusters = ([realm, known]: readonly [string, Realm]): [string, object] => [realm, { clusters: Object.fromEntries([...known.clusters.keys()].map((name) => [name, this.#current === `//${realm}/${name}` ? { current: true } : {}])) }];
    return { realms: Object.fromEntries([...this.#realms].map(clusters)) };
  }

  /** Where `//realm/cluster/account/container` is; 400 where it is no such thing, or of a realm or cluster that is not known. */
  target(value: string): SyncTarget {
    if (!value.startsWith('//')) throw invalid('Full URLs are not allowed for X-Container-Sync-To values. Only realm values of the format //realm/cluster/account/container are allowed.\n');
    const [realmName = '', cluster = '', account, container, ...rest] = value.slice(2).split('/');
    if (!account || !container || rest.length > 0) throw invalid(`Invalid X-Container-Sync-To format '${value}'`);
    const realm = this.#realms.get(realmName.toUpperCase());
    if (realm === undefined) throw invalid(`No realm key for '${realmName}'`);
    const endpoint = realm.clusters.get(cluster.toUpperCase());
    if (endpoint === undefined) throw invalid(`No cluster endpoint for '${realmName}' '${cluster}'`);
    return { realm: realmName.toUpperCase(), realmKey: realm.keys[0]!, url: `${endpoint.replace(/\/+$/, '')}/${percentEncodePath(account)}/${percentEncodePath(container)}` };
  }

  /** Whether the value of X-Container-Sync-Auth was made with a key of its realm for this. */
  verifies(header: string, signed: Signed): boolean {
    const [realm, nonce, signature, ...rest] = header.trim().split(/\s+/);
    if (realm === undefined || nonce === undefined || signature === undefined || rest.length > 0) return false;
    const keys = this.#realms.get(realm.toUpperCase())?.keys ?? [];
    return keys.some((key) => sameText(signatureOf(signed, nonce, key), signature));
  }
}

/** The value of X-Container-Sync-Auth for a request to the target's cluster. */
export function signFor({ realm, realmKey }: SyncTarget, signed: Signed): string {
  const nonce = randomBytes(16).toString('hex');
  return `${realm} ${nonce} ${signatureOf(signed, nonce, realmKey)}`;
}

function signatureOf({ method, path, timestamp, userKey }: Signed, nonce: string, realmKey: string): string {
  // The container's key is kept as its header brought it, a character a byte.
  return createHmac('sha1', realmKey).update(`${method}\n${path}\n${timestamp}\n${nonce}\n`).update(Buffer.from(userKey, 'latin1')).digest('hex');
}

function invalid(text: string): Refusal {
  return new Refusal(400, text, { 'Content-Type': 'text/plain' });
}
