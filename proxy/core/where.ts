/** Where a name lives, and what each of its devices really holds: for operators who want to see for themselves. */
import { formatTimestamp } from '#common';
import { describeDevice } from '#ring';
import type { DatabaseInfo, ObjectState } from '#storage-node/protocol';
import { isAlive } from '#storage-node/protocol';
import type { Placement, Placements, Replica } from './placement.ts';
import type { Containers } from './containers.ts';

export interface Holding {
  readonly device: string;
  readonly role: 'primary' | 'handoff';
  /** `nothing`, `data`, `tombstone`, `alive`, `deleted`, or `unreachable`. */
  readonly state: string;
  readonly timestamp?: string;
  readonly metaTimestamp?: string;
  readonly bytes?: number;
  readonly rows?: number;
  readonly fault?: string;
}

export interface Whereabouts {
  readonly key: string;
  readonly partition: number;
  readonly policy: number;
  readonly holdings: readonly Holding[];
}

/** Asks every primary, and as many handoffs as there are primaries. Throws `container-not-found` for an object of none. */
export async function whereabouts(
  { placements, containers }: { placements: Placements; containers: Containers },
  name: { account: string; container?: string | undefined; object?: string | undefined },
): Promise<Whereabouts> {
  const { account, container, object } = name;
  if (container === undefined) return look(placements.account(account), (replica, place) => databaseHolding(replica, place, 'account', `/${account}`));
  if (object === undefined) {
    return look(placements.container(account, container), (replica, place) => databaseHolding(replica, place, 'container', `/${account}/${container}`));
  }
  const { policy } = await containers.info({ account, container });
  return look(placements.object(account, container, object, policy), objectHolding);
}

type State = Omit<Holding, 'device' | 'role'>;

async function look(placement: Placement, ask: (replica: Replica, placement: Placement) => Promise<State>): Promise<Whereabouts> {
  const handoffs = [...placement.handoffs()].slice(0, placement.replicas.length);
  const asked = [...placement.replicas.map((replica) => ({ replica, role: 'primary' as const })), ...handoffs.map((replica) => ({ replica, role: 'handoff' as const }))];
  const holdings = await Promise.all(
    asked.map(async ({ replica, role }) => {
      const device = describeDevice(replica.device);
      try {
        return { device, role, ...(await ask(replica, placement)) };
      } catch (error) {
        return { device, role, state: 'unreachable', fault: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  return { key: placement.key.toString('hex'), partition: placement.partition, policy: placement.policy, holdings };
}

async function objectHolding(replica: Replica, { key, policy }: Placement): Promise<State> {
  const state: ObjectState | undefined = await replica.client.objects(policy).stat(key);
  if (state === undefined) return { state: 'nothing' };
  const times = { timestamp: formatTimestamp(state.timestamp), metaTimestamp: formatTimestamp(state.metaTimestamp) };
  return state.deleted ? { state: 'tombstone', ...times } : { state: 'data', ...times, bytes: state.sizeBytes };
}

async function databaseHolding(replica: Replica, { key }: Placement, kind: 'account' | 'container', path: string): Promise<State> {
  const info: DatabaseInfo | undefined = await replica.client.listings.info({ kind, key, path });
  if (info === undefined) return { state: 'nothing' };
  return { state: isAlive(info) ? 'alive' : 'deleted', timestamp: formatTimestamp(info.statusTimestamp), rows: info.totals.rows, bytes: info.totals.bytes };
}
