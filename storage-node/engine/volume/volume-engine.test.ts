import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '#common';
import { openDevice, type Device } from '../device/device.ts';
import { SeededRandom } from '../files/random.ts';
import { SimulatedDisk } from '../files/simulated-disk.ts';
import { SimulatedIndex } from '../index-store/simulated-index.ts';
import { objectEngineContract, type EngineFixture } from '../object-engine.contract.ts';
import { objectReplicaContract } from '../object-replica.contract.ts';

objectEngineContract('volume engine on node:fs', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gori-engine-'));
  const clock = new ManualClock();
  const open = (): Promise<Device> => openDevice({ directory, clock, settings: { gatherUs: 0 } });
  let device = await open();
  const fixture: EngineFixture = {
    engine: device.objects(0),
    wind: (ms) => clock.wind(ms),
    reopen: async () => {
      await device.close();
      device = await open();
      return device.objects(0);
    },
    close: async () => {
      await device.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return fixture;
});

objectEngineContract('volume engine on a simulated disk', async () => {
  const disk = new SimulatedDisk(new SeededRandom(1));
  const index = new SimulatedIndex();
  const clock = new ManualClock();
  const settings = { gatherUs: 0, volumeBytes: 64 << 10, bigBytes: 256 << 10, inlineReadBytes: 16 << 10, reserveBytes: 0 };
  const open = (): Promise<Device> => openDevice({ directory: '/device', clock, files: disk.files(), random: disk.random, openIndex: async () => index.open(disk), settings });
  let device = await open();
  return {
    engine: device.objects(0),
    wind: (ms) => clock.wind(ms),
    reopen: async () => {
      await device.close();
      device = await open();
      return device.objects(0);
    },
    close: () => device.close(),
  };
});

objectReplicaContract('volume engine on a simulated disk', async () => {
  const clock = new ManualClock();
  const open = (): Promise<Device> => {
    const disk = new SimulatedDisk(new SeededRandom(1));
    return openDevice({ directory: '/device', clock, files: disk.files(), random: disk.random, openIndex: async () => new SimulatedIndex().open(disk), settings: { gatherUs: 0, reserveBytes: 0, volumeBytes: 1 << 20 } });
  };
  const [here, there] = [await open(), await open()];
  return { engine: here.objects(0), source: there.objects(0), close: async () => void (await Promise.all([here.close(), there.close()])) };
});

objectReplicaContract('volume engine on node:fs', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gori-replica-'));
  const clock = new ManualClock();
  const open = (name: string): Promise<Device> => openDevice({ directory: join(directory, name), clock, settings: { gatherUs: 0 } });
  const [here, there] = [await open('here'), await open('there')];
  const close = async (): Promise<void> => {
    await Promise.all([here.close(), there.close()]);
    rmSync(directory, { recursive: true, force: true });
  };
  return { engine: here.objects(0), source: there.objects(0), close };
});
