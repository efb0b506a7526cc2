/** How a command says what is wrong: one line and an exit status, for faults of the world; what is a fault of ours shows its stack. */
import { isStoreError } from '#common';

export async function sayingFaults(work: () => Promise<void>, exitCode = 1): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isStoreError(error)) throw error;
    console.error(`gori: ${error.message}`);
    process.exitCode = exitCode;
  }
}
