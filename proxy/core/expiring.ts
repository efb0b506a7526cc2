/** The agenda of objects that expire: what puts them on it, and what their name is there. */
import { Agenda, type AgendaItem } from './agenda.ts';
import { DELETE_AT } from './metadata.ts';
import type { ObjectName } from './objects.ts';
import type { Metadata } from '#storage-node/protocol';

/** The last second that has ten digits; what expires later never does. */
const LAST_SECOND = 9_999_999_999;

export class Expiring extends Agenda {
  /** To be called before an object with this metadata is in force: after a crash between the two it is on the agenda for nothing. */
  async note({ account, container, object }: ObjectName, metadata: Metadata): Promise<void> {
    const deleteAt = metadata[DELETE_AT];
    if (deleteAt !== undefined && Number(deleteAt) <= LAST_SECOND) await this.add({ at: Number(deleteAt), name: `${account}/${container}/${object}` });
  }
}

/** The object that an item of the agenda is about; its name is `account/container/object`. */
export function expiringObject({ name }: Pick<AgendaItem, 'name'>): ObjectName {
  const [account = '', container = ''] = name.split('/', 2);
  return { account, container, object: name.slice(account.length + container.length + 2) };
}
