import { ManualClock } from '#common';
import { objectEngineContract } from '../object-engine.contract.ts';
import { objectReplicaContract } from '../object-replica.contract.ts';
import { MemoryObjectEngine } from './memory-engine.ts';

objectEngineContract('memory engine', async () => {
  const clock = new ManualClock();
  return { engine: new MemoryObjectEngine({ clock }), wind: (ms) => clock.wind(ms), close: async () => {} };
});

objectReplicaContract('memory engine', async () => {
  const clock = new ManualClock();
  return { engine: new MemoryObjectEngine({ clock }), source: new MemoryObjectEngine({ clock }), close: async () => {} };
});
