/** What looks after the disks of a node, one pass at a time. */
export { containerUpdater, type ContainerUpdaterOptions } from './container-updater.ts';
export { runDaemon, type Daemon, type DaemonStatus, type PassResult } from './daemon.ts';
export { objectUpdater, type ObjectUpdaterOptions } from './object-updater.ts';
