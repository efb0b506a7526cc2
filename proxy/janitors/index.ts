/** What acts on names, not on disks, and so through the store as clients do: expired objects are deleted, closed accounts taken down. */
export { accountReaper } from './account-reaper.ts';
export { deleter } from './deleter.ts';
export { expirer } from './expirer.ts';
export { reconciler } from './reconciler.ts';
