/** `gori ring` commands on a whole ring: create, show, set-..., rebalance, settle, validate, dispersion, write-ring. */
import { access } from 'node:fs/promises';
import type { Command } from 'commander';
import { StoreError } from '#common';
import { loadBuilder, RingBuilder, saveBuilder, saveRing, type RebalanceResult } from '#ring';
import { editBuilder, guarded, lockFile } from './builder-file.ts';
import { deviceTable, toNumber } from './device-commands.ts';
import { EXIT, textTable, type Terminal } from './terminal.ts';

export function addRingCommands(ring: Command, terminal: Terminal): void {
  addCreate(ring, terminal);
  addShow(ring, terminal);
  addSetting(ring, terminal, { name: 'set-replicas', unit: 'replicas', edit: (builder, replicas) => builder.setReplicas(replicas) });
  addSetting(ring, terminal, { name: 'set-min-part-hours', unit: 'hours', edit: (builder, hours) => builder.setMinPartHours(hours) });
  addSetOverload(ring, terminal);
  addPretend(ring, terminal);
  addRebalance(ring, terminal);
  addSettle(ring, terminal);
  addIncreasePower(ring, terminal);
  addValidate(ring, terminal);
  addDispersion(ring, terminal);
  addWriteRing(ring, terminal);
}

/** `object.builder` -> `object.ring`. */
function ringPath(builderPath: string): string {
  return `${builderPath.replace(/\.builder$/, '')}.ring`;
}

function addCreate(ring: Command, terminal: Terminal): void {
  ring
    .command('create')
    .description('make a builder without devices; never over an existing file')
    .argument('<builder>', 'builder file, e.g. object.builder')
    .argument('<part-power>', 'the ring has 2^power partitions: 1..32; there is increase-power, and no way back', toNumber)
    .argument('<replicas>', 'copies of everything, e.g. 3; may be fractional', toNumber)
    .argument('<min-part-hours>', 'least hours between two moves of a partition', toNumber)
    .action((path: string, partPower: number, replicas: number, minPartHours: number) =>
      guarded(terminal, async () => {
        await using _lock = await lockFile(`${path}.lock`);
        const exists = await access(path).then(() => true, () => false);
        if (exists) throw new StoreError('conflict', `${path} exists already`);
        await saveBuilder(path, RingBuilder.create({ partPower, replicas, minPartHours, clock: terminal.clock }));
        terminal.out(`${path}: ${2 ** partPower} partitions, ${replicas} replicas, no devices yet`);
      }),
    );
}

function addShow(ring: Command, terminal: Terminal): void {
  ring
    .command('show')
    .description('show the ring and its devices')
    .argument('<builder>', 'builder file')
    .option('--json', 'print JSON')
    .action((path: string, options: { json?: boolean }) =>
      guarded(terminal, async () => {
        const builder = await loadBuilder(path, terminal.clock);
        const { partPower, replicas, minPartHours, overload, version, changed, removed } = builder.state;
        const balance = builder.balance();
        const { dispersion } = builder.dispersion();
        const minPartSecondsLeft = builder.minPartSecondsLeft();
        if (options.json) {
          terminal.out(JSON.stringify({ path, partPower, replicas, minPartHours, minPartSecondsLeft, overload, version, changed, removed, balance: balance.balance, dispersion, devices: balance.devices }));
          return;
        }
        const { devices } = builder;
        const count = (key: (device: (typeof devices)[number]) => string): number => new Set(devices.map(key)).size;
        terminal.out(`${path}, version ${version}`);
        terminal.out(
          `${2 ** partPower} partitions, ${replicas} replicas, ${count((device) => `${device.region}`)} regions, ${count((device) => `${device.region}/${device.zone}`)} zones, ` +
            `${devices.length} devices, ${balance.balance.toFixed(2)} balance, ${dispersion.toFixed(2)} dispersion`,
        );
        terminal.out(`The minimum between two moves of a partition is ${minPartHours} hours (${minPartSecondsLeft} seconds left)`);
        terminal.out(`The overload is ${(100 * overload).toFixed(2)}%${changed ? '; a rebalance is due' : ''}${builder.isMoving ? '; what the last rebalance moved is not settled' : ''}`);
        if (devices.length > 0) terminal.out(deviceTable(builder, devices));
      }),
    );
}

function addSetting(ring: Command, terminal: Terminal, { name, unit, edit }: { name: string; unit: string; edit: (builder: RingBuilder, value: number) => void }): void {
  ring
    .command(name)
    .description(`set ${name.slice(4).replaceAll('-', ' ')}`)
    .argument('<builder>', 'builder file')
    .argument(`<${unit}>`, `new number of ${unit}`, toNumber)
    .action((path: string, value: number) =>
      guarded(terminal, () =>
        editBuilder(path, terminal, (builder) => {
          edit(builder, value);
          terminal.out(`${name.slice(4)} is ${value}`);
        }),
      ),
    );
}

function addSetOverload(ring: Command, terminal: Terminal): void {
  ring
    .command('set-overload')
    .description('how much more than its weight a device may take where that puts replicas further apart')
    .argument('<builder>', 'builder file')
    .argument('<overload>', '0.1 or 10%', (text) => (text.endsWith('%') ? toNumber(text.slice(0, -1)) / 100 : toNumber(text)))
    .action((path: string, overload: number) =>
      guarded(terminal, () =>
        editBuilder(path, terminal, (builder) => {
          builder.setOverload(overload);
          terminal.out(`the overload is ${(100 * overload).toFixed(2)}%`);
        }),
      ),
    );
}

function addPretend(ring: Command, terminal: Terminal): void {
  ring
    .command('pretend-min-part-hours-passed')
    .description('let every partition move at the next rebalance; wait for replication first')
    .argument('<builder>', 'builder file')
    .action((path: string) => guarded(terminal, () => editBuilder(path, terminal, (builder) => builder.pretendMinPartHoursPassed())));
}

interface RebalanceFlags {
  readonly seed?: string;
  readonly force?: boolean;
  readonly atOnce?: boolean;
  readonly json?: boolean;
}

function addRebalance(ring: Command, terminal: Terminal): void {
  ring
    .command('rebalance')
    .description('assign partitions anew, save the builder and write the ring beside it')
    .argument('<builder>', 'builder file')
    .option('--seed <seed>', 'any word; the same builder and seed give the same ring')
    .option('--at-once', 'do not keep the assignment before: for rings that hold no data yet')
    .option('--force', 'save also what changes next to nothing')
    .option('--json', 'print JSON')
    .action((path: string, flags: RebalanceFlags) =>
      guarded(terminal, () =>
        editBuilder(path, terminal, async (builder) => {
          const asked = builder.state.changed;
          const warn = (reason: string): false => {
            terminal.err(reason);
            terminal.exit(EXIT.warning);
            return false;
          };
          const before = { balance: builder.balance().balance, dispersion: builder.dispersion().dispersion };
          if (!asked && flags.force !== true && builder.minPartSecondsLeft() > 0) {
            return warn(`no partition may move for ${builder.minPartSecondsLeft()} seconds (min_part_hours is ${builder.state.minPartHours}) and nothing else changed`);
          }
          const result = terminal.progress('rebalance', (onProgress) => builder.rebalance({ seed: flags.seed, gradual: flags.atOnce !== true, onProgress }));
          const gains = before.balance - result.balance >= 1 || before.dispersion - result.dispersion >= 1;
          if (result.moved === 0 && !asked && flags.force !== true) return warn('no partition needed to move');
          if (!asked && !gains && flags.force !== true) return warn('not saved: neither balance nor dispersion would be 1% better; --force saves it');
          await saveRing(ringPath(path), builder.toRing());
          report(terminal, builder, { result, json: flags.json === true, path });
          if (result.moved === 0) terminal.exit(EXIT.warning);
          return true;
        }),
      ),
    );
}

function report(terminal: Terminal, builder: RingBuilder, { result, json, path }: { result: RebalanceResult; json: boolean; path: string }): void {
  if (json) {
    terminal.out(JSON.stringify({ ...result, version: builder.state.version, ring: ringPath(path) }));
    return;
  }
  const share = (100 * result.moved) / (builder.partitionCount * builder.state.replicas);
  terminal.out(`${result.moved} replicas of partitions moved (${share.toFixed(2)}%), ${result.removedDevices} devices removed`);
  terminal.out(`balance is now ${result.balance.toFixed(2)}, dispersion ${result.dispersion.toFixed(2)}; ${ringPath(path)} is written`);
  if (builder.isMoving) terminal.out('Devices that partitions leave stay among their primaries: roll this ring out (gori rollout), which settles it once all has arrived');
  if (result.balance > 5) terminal.out(`Balance is above 5: push this ring, wait ${builder.state.minPartHours} hours for replication, and rebalance again`);
  if (result.dispersion > 0 && builder.requiredOverload() > builder.state.overload) {
    terminal.out(`Full dispersion needs an overload of ${(100 * builder.requiredOverload()).toFixed(2)}%; see set-overload`);
  }
}

function addSettle(ring: Command, terminal: Terminal): void {
  ring
    .command('settle')
    .description('forget the assignment before the last rebalance: all that moved has arrived (gori rollout looks, and does this)')
    .argument('<builder>', 'builder file')
    .action((path: string) =>
      guarded(terminal, () =>
        editBuilder(path, terminal, async (builder) => {
          const { removedDevices } = builder.settle();
          await saveRing(ringPath(path), builder.toRing());
          terminal.out(`settled, ${removedDevices} devices removed; ${ringPath(path)} is written`);
        }),
      ),
    );
}

function addIncreasePower(ring: Command, terminal: Terminal): void {
  ring
    .command('increase-power')
    .description('cut every partition in two, for a cluster that outgrew them; nothing moves, and nothing on the devices changes: roll it out (gori rollout)')
    .argument('<builder>', 'builder file')
    .action((path: string) =>
      guarded(terminal, () =>
        editBuilder(path, terminal, async (builder) => {
          builder.increasePower();
          if (!builder.everRebalanced) return terminal.out(`${path} has ${builder.partitionCount} partitions`);
          await saveRing(ringPath(path), builder.toRing());
          terminal.out(`${path} has ${builder.partitionCount} partitions; ${ringPath(path)} is written`);
        }),
      ),
    );
}

function addValidate(ring: Command, terminal: Terminal): void {
  ring
    .command('validate')
    .description('check that every partition has its replicas on distinct devices that exist')
    .argument('<builder>', 'builder file')
    .action((path: string) =>
      guarded(terminal, async () => {
        const faults = (await loadBuilder(path, terminal.clock)).validate();
        for (const fault of faults) terminal.err(fault);
        if (faults.length > 0) terminal.exit(EXIT.error);
        else terminal.out(`${path} is valid`);
      }),
    );
}

function addDispersion(ring: Command, terminal: Terminal): void {
  ring
    .command('dispersion')
    .description('show which tiers hold more replicas of a partition than they need to')
    .argument('<builder>', 'builder file')
    .argument('[tier]', 'only tiers whose name has this in it, e.g. r1z2')
    .option('--verbose', 'show tiers that are well dispersed too')
    .option('--json', 'print JSON')
    .action((path: string, tier: string | undefined, options: { verbose?: boolean; json?: boolean }) =>
      guarded(terminal, async () => {
        const builder = await loadBuilder(path, terminal.clock);
        const dispersion = builder.dispersion();
        const shown = dispersion.tiers.filter((row) => (tier === undefined || row.tier.includes(tier)) && (options.verbose === true || tier !== undefined || row.dispersion > 0));
        if (options.json) terminal.out(JSON.stringify({ ...dispersion, tiers: shown, requiredOverload: builder.requiredOverload() }));
        else {
          terminal.out(`dispersion is ${dispersion.dispersion.toFixed(2)}, balance ${builder.balance().balance.toFixed(2)}, overload ${(100 * builder.state.overload).toFixed(2)}%, needed for full dispersion ${(100 * builder.requiredOverload()).toFixed(2)}%`);
          if (dispersion.worst) terminal.out(`worst tier is ${dispersion.worst.tier}: ${dispersion.worst.dispersion.toFixed(2)}`);
          const replicas = shown[0]?.partitions.map((_, count) => String(count)) ?? [];
          if (shown.length > 0) terminal.out(textTable(['tier', 'partitions', '%', 'max', ...replicas], shown.map((row) => [row.tier, row.partitions.slice(1).reduce((sum, count) => sum + count, 0), row.dispersion.toFixed(2), row.maximum, ...row.partitions])));
        }
        if (dispersion.dispersion > 0) terminal.exit(EXIT.warning);
      }),
    );
}

function addWriteRing(ring: Command, terminal: Terminal): void {
  ring
    .command('write-ring')
    .description('write the ring of the last rebalance again')
    .argument('<builder>', 'builder file')
    .argument('[ring]', 'ring file; beside the builder by default')
    .action((path: string, target: string | undefined) =>
      guarded(terminal, async () => {
        const builder = await loadBuilder(path, terminal.clock);
        await saveRing(target ?? ringPath(path), builder.toRing());
        terminal.out(`${target ?? ringPath(path)} is written`);
      }),
    );
}
