/** The agenda of objects that are to be deleted as they were at a moment: what was asked for many at once is done after the answer. */
import { formatTimestamp, parseTimestamp, TICKS_PER_SECOND, type Timestamp } from '#common';
import { Agenda, type AgendaItem } from './agenda.ts';
import { expiringObject } from './expiring.ts';
import type { ObjectName } from './objects.ts';

export class Deleting extends Agenda {
  /** What is newer than `at` when its turn comes stays. */
  async note(at: Timestamp, targets: readonly ObjectName[]): Promise<void> {
    const second = Math.floor(at / TICKS_PER_SECOND);
    await this.add(...targets.map(({ account, container, object }) => ({ at: second, name: `${formatTimestamp(at)} ${account}/${container}/${object}` })));
  }
}

/** The object that an item is about, and the moment as of which it is to go. */
export function doomedObject({ name }: AgendaItem): { at: Timestamp; target: ObjectName } {
  const space = name.indexOf(' ');
  return { at: parseTimestamp(name.slice(0, space)), target: expiringObject({ name: name.slice(space + 1) }) };
}
