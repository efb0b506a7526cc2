/**
 * `gori fsck`: looks at the folder of a device that no process has open. Ends with fsck(8)'s statuses, for scripts: 0 all is well, 1 what was damaged has been seen
 * to, 4 there is damage, 8 it could not look.
 */
import path from 'node:path';
import { Command } from 'commander';
import { isStoreError, systemClock } from '#common';
import { checkDevice, repairDevice, type DeviceCheck, type DeviceRepair } from '#storage-node/engine';

interface Options {
  readonly repair?: boolean;
  readonly json?: boolean;
}

interface Looked extends Partial<DeviceCheck> {
  readonly directory: string;
  readonly repair?: DeviceRepair;
  readonly unable?: string;
}

export function fsckCommand(): Command {
  return new Command('fsck')
    .description('check the folders of devices that no process has open: volumes, big files, index and databases')
    .argument('<directories...>', 'e.g. data/devices/d1')
    .option('--repair', 'quarantine what is damaged and in force, and bring index and figures up to what is there: the other replicas then send what is missing')
    .option('--json', 'print JSON')
    .action(async (directories: string[], options: Options) => {
      let status = 0;
      const looked: Looked[] = [];
      for (const directory of directories) {
        const seen = await look(path.resolve(directory), options.repair === true);
        looked.push(seen);
        status |= statusOf(seen);
        if (options.json !== true) console.log(describe(seen));
      }
      if (options.json === true) console.log(JSON.stringify(looked, undefined, 1));
      process.exitCode = status;
    });
}

async function look(directory: string, repair: boolean): Promise<Looked> {
  try {
    const check = await checkDevice(directory, systemClock);
    return { directory, ...check, ...(repair && { repair: await repairDevice(directory, systemClock) }) };
  } catch (error) {
    if (!isStoreError(error)) throw error;
    return { directory, unable: error.message };
  }
}

function statusOf({ faults = [], repair, unable }: Looked): number {
  if (unable !== undefined) return 8;
  if (repair === undefined) return faults.length > 0 ? 4 : 0;
  return faults.length > 0 || repair.quarantined + repair.indexed + repair.databasesMended + repair.rebuilt.length > 0 ? 1 : 0;
}

function describe({ directory, volumes, records, bytes, faults = [], more = 0, notes = [], repair, unable }: Looked): string {
  if (unable !== undefined) return `${directory}: ${unable}`;
  const head = `${directory}: ${volumes} volumes, ${records} records, ${((bytes ?? 0) / 1e6).toFixed(1)} MB read; ${faults.length + more === 0 ? 'no damage' : `${faults.length + more} faults`}`;
  const done = repair && [`  repaired: ${repair.quarantined} quarantined, ${repair.indexed} put back into the index, ${repair.databasesMended} databases mended${repair.rebuilt.map((folder) => `, ${folder} made anew`).join('')}`];
  return [head, ...faults.map((fault) => `  ${fault}`), ...(more > 0 ? [`  and ${more} more`] : []), ...notes.map((note) => `  (${note})`), ...(done ?? [])].join('\n');
}
