/** Faults that are planted into a simulated cluster, to see that the checks find them. */
import type { VolumeEngine } from '#storage-node/engine';
import type { ObjectEngine } from '#storage-node/protocol';

export const PLANTS = [
  'none',
  /** Syncs of files and directories answer without syncing. */
  'no-fdatasync',
  /** What is written is in the index, and answered, before its sync. */
  'index-before-sync',
  /** Pending marks are for nothing: nobody tells containers of rows whose proxies died. */
  'no-pending',
  /** A device takes an older state for a newer one. */
  'timestamps-backwards',
  /** A device forgets tombstones at once. */
  'no-tombstones',
  /** Conditional writes look, and then write blindly. */
  'blind-conditions',
  /** Devices forget what they promised. */
  'no-promises',
] as const;
export type Plant = (typeof PLANTS)[number];

/** The engine as others see it, with the fault. */
export function planted(engine: VolumeEngine, plant: Plant): ObjectEngine {
  if (plant === 'timestamps-backwards') return changed(engine, { put: async (request) => engine.put({ ...request, timestamp: await pastHeld(engine, request) }) });
  if (plant === 'no-tombstones') {
    return changed(engine, {
      delete: async (request) => {
        const receipt = await engine.delete(request);
        engine.settle(request.key, request.timestamp);
        await engine.release([{ key: request.key, state: receipt.state }]);
        return receipt;
      },
    });
  }
  if (plant === 'no-promises') {
    return changed(engine, {
      prepare: async (request) => {
        const prepared = await engine.prepare(request);
        engine.abandon(request.key, request.timestamp);
        return prepared;
      },
    });
  }
  return engine;
}

async function pastHeld(engine: ObjectEngine, { key, timestamp }: Parameters<ObjectEngine['put']>[0]): Promise<typeof timestamp> {
  const held = await engine.stat(key);
  return held !== undefined && held.timestamp > timestamp ? ((held.timestamp + 1) as typeof timestamp) : timestamp;
}

function changed(engine: VolumeEngine, changes: Partial<ObjectEngine>): ObjectEngine {
  return new Proxy(engine, {
    get: (target, name) => {
      const own: unknown = changes[name as keyof ObjectEngine] ?? Reflect.get(target, name, target);
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });
}
