/** What a check is made of: something that serves, and can be struck down. */
import type { SeededRandom } from '../../storage-node/engine/files/random.ts';
import type { Namespace } from './namespace.ts';
import type { Servers } from './servers.ts';
import type { Tally } from './tally.ts';

export interface Stage {
  readonly servers: Servers;
  readonly namespace: Namespace;
  readonly tally: Tally;
  /** Ends the load and verifies everything touched, in the middle of a round; the load begins anew after it. */
  verifyNow(): Promise<void>;
}

export interface Subject extends AsyncDisposable {
  /** Comes up with nothing in it, and adds its servers. */
  begin(stage: Stage): Promise<void>;
  /** While the load goes on: strikes, waits, and brings back what was struck. Answers what it did. */
  strike(stage: Stage, random: SeededRandom): Promise<string>;
  /** Lets whatever runs in the background by itself do its work now, where it does not run by itself. */
  catchUp?(): Promise<void>;
  /** Largest body that makes sense here. */
  readonly maxBytes: number;
}
