/** Receipts as they come over the wire. */
import type { WriteReceipt } from '#storage-node/protocol';

/** JSON leaves out what is undefined; a receipt has the fields all the same. */
export function receiptOf(answer: unknown): WriteReceipt {
  const { outcome, state, previous, durability, promised } = answer as WriteReceipt;
  return { outcome, state, previous, durability, ...(promised === undefined ? {} : { promised }) };
}
