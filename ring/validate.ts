/** Checks an assignment against its devices: what must never be true of a ring, whatever made it. */
import { NO_DEVICE, type RingDevice } from './device.ts';

/** Faults are reported up to this many; a broken ring would name every partition. */
const MAX_FAULTS = 20;

interface Assigned {
  readonly partPower: number;
  readonly replicas: number;
  readonly devices: readonly (RingDevice | undefined)[];
  readonly assignments: readonly Uint16Array[];
}

/** One sentence a fault; empty if nothing is wrong. */
export function findFaults({ partPower, replicas, devices, assignments }: Assigned): string[] {
  if (assignments.length === 0) return ['the ring has no assignment yet: rebalance it first'];
  const faults: string[] = [];
  const partitionCount = 2 ** partPower;
  if (assignments.length !== Math.ceil(replicas)) faults.push(`there are ${assignments.length} tables of assignments for ${replicas} replicas: a rebalance is due`);
  assignments.forEach((table, replica) => {
    if (table.length !== partitionCount) faults.push(`the table of replica ${replica} has ${table.length} entries, not ${partitionCount}`);
  });
  let held = 0;
  for (let partition = 0; partition < partitionCount && faults.length < MAX_FAULTS; partition++) {
    const ids: number[] = [];
    for (const table of assignments) {
      const id = table[partition];
      if (id !== undefined && id !== NO_DEVICE) ids.push(id);
    }
    held += ids.length;
    for (const id of ids) if (devices[id] === undefined) faults.push(`partition ${partition} is on device ${id}, which does not exist`);
    if (new Set(ids).size !== ids.length) faults.push(`partition ${partition} has two replicas on one device: ${ids.join(', ')}`);
    if (ids.length < Math.floor(replicas)) faults.push(`partition ${partition} has ${ids.length} of ${replicas} replicas`);
  }
  const expected = Math.floor(partitionCount * replicas + 1e-9);
  if (faults.length === 0 && held !== expected) faults.push(`${held} replicas of partitions are assigned, not ${expected}: a rebalance is due`);
  return faults;
}
