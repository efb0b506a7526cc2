/** `gori ring` commands on devices: add, remove, set-weight, set-region, set-zone, set-info, search, list-parts. */
import { InvalidArgumentError, type Command } from 'commander';
import { StoreError } from '#common';
import { describeDevice, loadBuilder, parseDeviceQuery, searchDevices, type NewDevice, type RingBuilder, type RingDevice } from '#ring';
import { editBuilder, guarded } from './builder-file.ts';
import { EXIT, textTable, type Terminal } from './terminal.ts';

interface Selection {
  readonly all?: boolean;
  readonly json?: boolean;
}

export function addDeviceCommands(ring: Command, terminal: Terminal): void {
  addAdd(ring, terminal);
  addSearch(ring, terminal);
  addListParts(ring, terminal);
  addEdit(ring, terminal, { name: 'remove', description: 'take devices out at the next rebalance', edit: (builder, device) => builder.remove(device.id), done: 'marked for removal' });
  addNumberEdit(ring, terminal, { name: 'set-weight', unit: 'weight', edit: (builder, id, weight) => builder.setWeight(id, weight) });
  addNumberEdit(ring, terminal, { name: 'set-region', unit: 'region', edit: (builder, id, region) => builder.setRegion(id, region) });
  addNumberEdit(ring, terminal, { name: 'set-zone', unit: 'zone', edit: (builder, id, zone) => builder.setZone(id, zone) });
  addSetInfo(ring, terminal);
}

export function toNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new InvalidArgumentError('not a number.');
  return number;
}

/** Reads `[r1]z2-10.0.0.1:6200[R10.1.0.1:6200]/sdb1[_remark]`. */
function parseNewDevice(text: string, weight: number): NewDevice {
  const { region = 1, zone, ip, port, replicationIp, replicationPort, device, meta } = parseDeviceQuery(text);
  if (zone === undefined || ip === undefined || port === undefined || device === undefined) {
    throw new StoreError('bad-request', `not a device: ${JSON.stringify(text)} (write r1z2-10.0.0.1:6200/sdb1, with R10.1.0.1:6200 before the / for a replication network and _remark behind)`);
  }
  return { region, zone, ip, port, device, weight, replicationIp: replicationIp ?? ip, replicationPort: replicationPort ?? port, meta: meta ?? '' };
}

function addAdd(ring: Command, terminal: Terminal): void {
  ring
    .command('add')
    .description('add devices; nothing moves before the next rebalance')
    .argument('<builder>', 'builder file')
    .argument('<device-and-weight...>', 'r1z2-10.0.0.1:6200/sdb1 100, as many pairs as wanted')
    .action((path: string, words: string[]) =>
      guarded(terminal, () =>
        editBuilder(path, terminal, (builder) => {
          if (words.length % 2 !== 0) throw new StoreError('bad-request', 'every device is followed by its weight');
          for (let at = 0; at < words.length; at += 2) {
            const weight = Number(words[at + 1]);
            const id = builder.add(parseNewDevice(words[at] as string, weight));
            terminal.out(`${describeDevice(builder.state.devices[id] as RingDevice)} with weight ${weight} got id ${id}`);
          }
        }),
      ),
    );
}

interface Edit {
  readonly name: string;
  readonly description: string;
  readonly edit: (builder: RingBuilder, device: RingDevice) => void;
  readonly done: string;
}

function addEdit(ring: Command, terminal: Terminal, { name, description, edit, done }: Edit): void {
  ring
    .command(name)
    .description(description)
    .argument('<builder>', 'builder file')
    .argument('<search>', 'd3, r1z2, 10.0.0.1:6200, 10.0.0.1/sdb1, ...')
    .option('--all', 'change every device that matches, if there are several')
    .action((path: string, search: string, options: Selection) => editSelected(terminal, { path, search, all: options.all === true, edit, done }));
}

function addNumberEdit(ring: Command, terminal: Terminal, { name, unit, edit }: { name: string; unit: string; edit: (builder: RingBuilder, id: number, value: number) => void }): void {
  ring
    .command(name)
    .description(`set the ${unit} of devices`)
    .argument('<builder>', 'builder file')
    .argument('<search>', 'd3, r1z2, 10.0.0.1:6200, 10.0.0.1/sdb1, ...')
    .argument(`<${unit}>`, `new ${unit}`, toNumber)
    .option('--all', 'change every device that matches, if there are several')
    .action((path: string, search: string, value: number, options: Selection) =>
      editSelected(terminal, { path, search, all: options.all === true, edit: (builder, device) => edit(builder, device.id, value), done: `has ${unit} ${value}` }),
    );
}

function addSetInfo(ring: Command, terminal: Terminal): void {
  ring
    .command('set-info')
    .description('set address, name or remark of a device')
    .argument('<builder>', 'builder file')
    .argument('<search>', 'd3, r1z2, 10.0.0.1:6200, 10.0.0.1/sdb1, ...')
    .argument('<info>', '10.0.0.2:6200R10.1.0.2:6200/sdc_remark, or any part of it')
    .option('--all', 'change every device that matches, if there are several')
    .action((path: string, search: string, info: string, options: Selection) =>
      guarded(terminal, async () => {
        const { ip, port, replicationIp, replicationPort, device, meta } = parseDeviceQuery(info);
        const given = Object.entries({ ip, port, replicationIp, replicationPort, device, meta }).filter(([, value]) => value !== undefined);
        await editSelected(terminal, { path, search, all: options.all === true, edit: (builder, { id }) => builder.setInfo(id, Object.fromEntries(given)), done: `has ${info}` });
      }),
    );
}

interface SelectedEdit {
  readonly path: string;
  readonly search: string;
  readonly all: boolean;
  readonly edit: (builder: RingBuilder, device: RingDevice) => void;
  readonly done: string;
}

function editSelected(terminal: Terminal, { path, search, all, edit, done }: SelectedEdit): Promise<void> {
  return guarded(terminal, () =>
    editBuilder(path, terminal, (builder) => {
      const found = searchDevices(builder.devices, parseDeviceQuery(search));
      if (found.length === 0) throw new StoreError('bad-request', `no device matches ${search}`);
      if (found.length > 1 && !all) throw new StoreError('bad-request', `${found.length} devices match ${search}; say --all to change them all:\n${found.map(describeDevice).join('\n')}`);
      for (const device of found) {
        edit(builder, device);
        terminal.out(`${describeDevice(device)} ${done}`);
      }
    }),
  );
}

function addSearch(ring: Command, terminal: Terminal): void {
  ring
    .command('search')
    .description('show the devices that match')
    .argument('<builder>', 'builder file')
    .argument('<search>', 'd3, r1z2, 10.0.0.1:6200, 10.0.0.1/sdb1, ...')
    .option('--json', 'print JSON')
    .action((path: string, search: string, options: Selection) =>
      guarded(terminal, async () => {
        const builder = await loadBuilder(path, terminal.clock);
        const found = searchDevices(builder.devices, parseDeviceQuery(search));
        if (options.json) terminal.out(JSON.stringify(found));
        else if (found.length > 0) terminal.out(deviceTable(builder, found));
        if (found.length > 0) return;
        terminal.err(`no device matches ${search}`);
        terminal.exit(EXIT.warning);
      }),
    );
}

function addListParts(ring: Command, terminal: Terminal): void {
  ring
    .command('list-parts')
    .description('list the partitions with replicas on the devices that match, and how many')
    .argument('<builder>', 'builder file')
    .argument('<search...>', 'd3, r1z2, 10.0.0.1:6200, 10.0.0.1/sdb1, ...')
    .option('--json', 'print JSON')
    .action((path: string, searches: string[], options: Selection) =>
      guarded(terminal, async () => {
        const builder = await loadBuilder(path, terminal.clock);
        const devices = new Set(searches.flatMap((search) => searchDevices(builder.devices, parseDeviceQuery(search))));
        const counts = new Map<number, number>();
        const assigned = builder.toRing();
        for (const { id } of devices) for (const partition of assigned.partitionsOf(id)) counts.set(partition, (counts.get(partition) ?? 0) + 1);
        // Those that would lose most come first.
        const rows = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
        if (options.json) terminal.out(JSON.stringify(rows.map(([partition, matches]) => ({ partition, matches }))));
        else if (rows.length > 0) terminal.out(textTable(['partition', 'matches'], rows));
        if (rows.length > 0) return;
        terminal.err('no partition is on a device that matches');
        terminal.exit(EXIT.warning);
      }),
    );
}

export function deviceTable(builder: RingBuilder, devices: readonly RingDevice[]): string {
  const balances = new Map(builder.balance().devices.map((row) => [row.device.id, row]));
  const rows = devices.map((device) => {
    const { partitions = 0, balance = 0 } = balances.get(device.id) ?? {};
    const { id, region, zone, ip, port, replicationIp, replicationPort, device: name, weight, meta } = device;
    const flags = builder.state.removed.includes(id) ? 'DEL' : '';
    return [id, region, zone, `${ip}:${port}`, `${replicationIp}:${replicationPort}`, name, weight, partitions, (Math.round(100 * balance) / 100 || 0).toFixed(2), flags, meta];
  });
  return textTable(['id', 'region', 'zone', 'address', 'replication', 'name', 'weight', 'partitions', 'balance', 'flags', 'meta'], rows);
}
