/** How versions are called: the time that they were made at, as in Swift's dialect, or `null` for what was written without versions. */
import { formatTimestamp, parseTimestamp, type Timestamp } from '#common';
import { S3Error } from '../errors.ts';
import type { Query } from '../request.ts';

export type VersionId = Timestamp | 'null';

/** The version that a text names. Refuses what can be none. */
export function parseVersionId(text: string): VersionId {
  if (text === 'null') return 'null';
  try {
    return parseTimestamp(text);
  } catch {
    throw new S3Error('InvalidArgument', 'Invalid version id specified', { ArgumentName: 'versionId', ArgumentValue: text });
  }
}

/** The version that a request names; undefined for what is in force. */
export function versionIdOf(query: Query): VersionId | undefined {
  const text = query.get('versionId');
  return text === undefined || text === '' ? undefined : parseVersionId(text);
}

export function formatVersionId(id: VersionId): string {
  return id === 'null' ? id : formatTimestamp(id);
}
