/** `gori ring ...`: building rings from the command line, in the words and exit codes of swift-ring-builder. */
import { Command } from 'commander';
import { addDeviceCommands } from './device-commands.ts';
import { addRingCommands } from './ring-commands.ts';
import { EXIT, processTerminal, type Terminal } from './terminal.ts';

export function ringCommand(terminal: Terminal = processTerminal): Command {
  const ring = new Command('ring').description('build rings: where accounts, containers and objects live');
  // Set before the subcommands are made, which inherit it: commander's own status for wrong usage is 1, our warning.
  ring.exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.error));
  addRingCommands(ring, terminal);
  addDeviceCommands(ring, terminal);
  ring.addHelpText('after', '\nExit status: 0 done, 1 nothing done or a warning, 2 an error.');
  return ring;
}
