/** Where a container's versions are: in a reserved container beside it, each under a name that sorts the newest of an object first. */
import { formatTimestamp, isStoreError, parseTimestamp, type Timestamp } from '#common';
import type { ContainerName } from './containers.ts';
import type { ObjectName } from './objects.ts';
import { reservedName, reservedParts } from './reserved.ts';

const KIND = 'versions';
/** Ten digits of seconds and five of fractions: later than every timestamp. */
const LAST = 999_999_999_999_999;

/** The container that keeps the versions of this one. */
export function versionsContainer({ account, container }: ContainerName): ContainerName {
  return { account, container: reservedName(KIND, container) };
}

/** The container whose versions this one keeps; undefined where it keeps none. */
export function versionedContainer(container: string): string | undefined {
  const [kind, name] = reservedParts(container) ?? [];
  return kind === KIND ? name : undefined;
}

/** The object that holds a version. Later versions come first among those of one name. */
export function versionTarget(target: ObjectName, versionId: Timestamp): ObjectName {
  return { ...versionsContainer(target), object: versionName(target.object, versionId) };
}

export function versionName(object: string, versionId: Timestamp): string {
  return reservedName(object, formatTimestamp((LAST - versionId) as Timestamp));
}

/** What the name of a version says; undefined for any other. */
export function parseVersionName(name: string): { object: string; versionId: Timestamp } | undefined {
  const [object, inverted] = reservedParts(name) ?? [];
  if (object === undefined || inverted === undefined) return undefined;
  try {
    return { object, versionId: (LAST - parseTimestamp(inverted)) as Timestamp };
  } catch (error) {
    if (isStoreError(error, 'bad-request')) return undefined;
    throw error;
  }
}

/** Names between which a prefix's versions are, and where to go on. */
export const VERSION_NAMES = {
  /** Begins the names of all versions of objects whose names begin so. */
  prefix: (prefix: string): string => reservedName(prefix),
  /** Before every version of the object. */
  before: (object: string): string => reservedName(object, ''),
  /** After every version of the object: times have digits and points only. */
  after: (object: string): string => reservedName(object, ':'),
  /** The object or subdirectory that a rolled-up name stands for. */
  object: (name: string): string => reservedParts(name)?.[0] ?? name,
} as const;
