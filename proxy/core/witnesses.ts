/** Who is told of what happens to objects, before whoever did it has his answer: what is noted then is noted of every write that was acknowledged. */
import type { ObjectInfo } from '#storage-node/protocol';
import type { ContainerSummary } from './containers.ts';
import type { ObjectName } from './objects.ts';

export interface Happening {
  readonly what: 'put' | 'post' | 'delete';
  readonly target: ObjectName;
  readonly container: ContainerSummary;
  /** As it is stored: `Encryption.opened` shows it. */
  readonly info: ObjectInfo;
}

/** Undefined where it is nothing to him, which it mostly is: every write asks. What he throws fails the write, which is in force all the same. */
export type Witness = (happening: Happening) => Promise<void> | undefined;

export class Witnesses {
  readonly #witnesses: Witness[] = [];

  add(witness: Witness): void {
    this.#witnesses.push(witness);
  }

  /** Undefined where nobody has anything to do for it: then nothing is waited for. */
  tell(happening: Happening): Promise<unknown> | undefined {
    const telling = this.#witnesses.map((witness) => witness(happening)).filter((each) => each !== undefined);
    return telling.length === 0 ? undefined : Promise.all(telling);
  }
}
