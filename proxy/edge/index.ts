/** What every request passes whatever dialect it speaks: transaction id, access log, health, reading and writing. */
export { accessLog } from './access-log.ts';
export { exchange, reply } from './exchange-middleware.ts';
export { Exchange, type Response } from './exchange.ts';
export { health } from './health.ts';
export { createEdgeServer, type EdgeLimits } from './server.ts';
export { newTransactionId } from './transaction.ts';
export type { Step } from './step.ts';
