/**
 * Storage policies: what a container was promised about its objects. A policy's index is what is stored and what chooses
 * the object ring (`object.ring`, `object-1.ring`, ...); its name is what users see, as in Swift's "Storage Policies".
 */
import { StoreError } from '#common';

/** What reads see after writes. Strong: quorums count primaries only. Available: handoffs count too, as in Swift. */
export type Consistency = 'strong' | 'available';

export interface StoragePolicy {
  readonly index: number;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: 'replication';
  readonly consistency: Consistency;
  /** Where a container goes that names no policy. One policy of a set is the default. */
  readonly default: boolean;
  /** Takes no new containers; the ones it has go on. */
  readonly deprecated: boolean;
}

/** The policy of a cluster that configures none. */
export const DEFAULT_POLICY: StoragePolicy = {
  index: 0,
  name: 'Policy-0',
  aliases: [],
  type: 'replication',
  consistency: 'strong',
  default: true,
  deprecated: false,
};

/** How many of `replicas` answers are a true majority: any two majorities share a replica. */
export function quorumSize(replicas: number): number {
  return Math.floor(replicas / 2) + 1;
}

/** The policies of a cluster: checked once, then looked up by index or by name (case does not matter, as in Swift). */
export class PolicySet implements Iterable<StoragePolicy> {
  readonly default: StoragePolicy;
  readonly #byIndex = new Map<number, StoragePolicy>();
  readonly #byName = new Map<string, StoragePolicy>();

  /** Throws `bad-request`, naming every fault, unless indexes and names are unique and one policy that is not deprecated is the default. */
  constructor(policies: readonly StoragePolicy[] = [DEFAULT_POLICY]) {
    const faults: string[] = [];
    for (const policy of policies) {
      if (!Number.isInteger(policy.index) || policy.index < 0) faults.push(`policy index ${policy.index} is not a natural number`);
      if (this.#byIndex.has(policy.index)) faults.push(`policy index ${policy.index} is used twice`);
      this.#byIndex.set(policy.index, policy);
      for (const name of [policy.name, ...policy.aliases]) {
        if (!/^[A-Za-z0-9-]+$/.test(name)) faults.push(`policy name ${JSON.stringify(name)} has characters other than letters, digits and '-'`);
        if (this.#byName.has(name.toLowerCase())) faults.push(`policy name ${JSON.stringify(name)} is used twice`);
        this.#byName.set(name.toLowerCase(), policy);
      }
    }
    const defaults = policies.filter((policy) => policy.default);
    if (defaults.length !== 1) faults.push(`${defaults.length} policies are the default, not one`);
    if (defaults[0]?.deprecated) faults.push(`the default policy ${defaults[0].name} is deprecated`);
    const [first] = defaults;
    if (faults.length > 0 || first === undefined) throw new StoreError('bad-request', `storage policies: ${faults.join('; ')}`);
    this.default = first;
  }

  get size(): number {
    return this.#byIndex.size;
  }

  [Symbol.iterator](): Iterator<StoragePolicy> {
    return [...this.#byIndex.values()].sort((a, b) => a.index - b.index)[Symbol.iterator]();
  }

  /** Throws `policy-unknown`. */
  byIndex(index: number): StoragePolicy {
    const policy = this.#byIndex.get(index);
    if (policy === undefined) throw new StoreError('policy-unknown', `no storage policy has index ${index}`);
    return policy;
  }

  /** By name or alias, in any case; throws `policy-unknown`. */
  byName(name: string): StoragePolicy {
    const policy = this.#byName.get(name.toLowerCase());
    if (policy === undefined) throw new StoreError('policy-unknown', `no storage policy is called ${JSON.stringify(name)}`);
    return policy;
  }
}
