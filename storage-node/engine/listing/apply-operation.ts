/** Plays a random operation on a ListingEngine and tells its answer, so that two engines that were told the same can be compared. */
import type { ListingEngine } from '#storage-node/protocol';
import { databaseName, type Operation } from './arbitraries.ts';

export async function applyOperation(engine: ListingEngine, operation: Operation): Promise<unknown> {
  switch (operation.op) {
    case 'put':
      return engine.put({ ...operation, database: databaseName(operation.path) });
    case 'post':
      return engine.post({ ...operation, database: databaseName(operation.path) });
    case 'delete':
      return engine.delete({ ...operation, database: databaseName(operation.path) });
    case 'merge': {
      const { createWith, rows } = operation;
      return engine.merge({ database: databaseName(operation.path), rows, ...(createWith && { createWith }) });
    }
    case 'list':
      return engine.list(databaseName(operation.path), operation.query);
    case 'report': {
      const infos = await engine.unreported(100);
      for (const info of infos) engine.reported(info);
      return infos.sort((a, b) => (a.path < b.path ? -1 : 1));
    }
  }
}
