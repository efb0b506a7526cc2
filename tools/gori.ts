#!/usr/bin/env node
/** The `gori` command. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { clusterCommand } from './cluster/command.ts';
import { completionCommand } from './completion.ts';
import { objectCommand } from './object/command.ts';
import { dispersionCommand } from './dispersion/command.ts';
import { driveCommand } from './drive/command.ts';
import { fsckCommand } from './fsck/command.ts';
import { explainCommand } from './object/explain.ts';
import { reconCommand } from './recon/command.ts';
import { ringCommand } from './ring/command.ts';
import { rolloutCommand } from './rollout/command.ts';
import { serverCommand } from './server/index.ts';
import { simulateCommand } from './simulate/command.ts';

const { version } = JSON.parse(readFileSync(path.join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string };

const program: Command = new Command('gori')
  .description('an object storage cluster that speaks Swift and S3 over one namespace')
  .version(version)
  .addCommand(serverCommand(version))
  .addCommand(ringCommand())
  .addCommand(clusterCommand())
  .addCommand(objectCommand())
  .addCommand(explainCommand())
  .addCommand(reconCommand())
  .addCommand(dispersionCommand())
  .addCommand(driveCommand())
  .addCommand(fsckCommand())
  .addCommand(rolloutCommand())
  .addCommand(simulateCommand())
  .addCommand(completionCommand(() => program))
  .showHelpAfterError('(gori --help says what there is)');

await program.parseAsync();
