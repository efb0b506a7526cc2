/** `gori server`: one process of a cluster, or a whole cluster in one process. */
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { loadConfig, untilSignalled } from '#common';
import { sayingFaults } from '../faults/index.ts';
import { generatedUser } from './credentials.ts';
import { addressOf, runServer, type Running } from './run.ts';

export function serverCommand(version: string): Command {
  return new Command('server')
    .description('serve: everything on one folder by default, or the roles that a configuration file names')
    .option('--data <dir>', 'where everything is kept (default: data)')
    .option('--port <number>', 'where clients are served (default: 8080)', parsePort)
    .option('--config <file>', 'a YAML configuration file')
    .action((options: { data?: string; port?: number; config?: string }) =>
      sayingFaults(async () => {
        const config = loadConfig(options.config, options);
        const signal = untilSignalled();
        await runServer(config, version, signal, (running) => void announce(running));
      }),
    );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('not a port (0 to 65535)');
  return port;
}

/** Endpoints, and lines to paste. A key is never printed, only the file that has it. */
async function announce({ config, proxy, node }: Running): Promise<void> {
  if (node?.server) console.log(`storage node on ${addressOf(config).ip}:${node.server.port}, devices ${[...node.devices.keys()].join(' ')}`);
  if (proxy === undefined) return;
  const { host, port } = proxy.listening;
  const base = `http://${host}:${port}`;
  console.log(`gori serves on ${base} (Swift: ${base}/auth/v1.0, health: ${base}/healthcheck)`);
  console.log(`data in ${config.data}${node ? ` on ${node.devices.size} devices` : ''}`);
  if (config.auth.tempauth.users.length > 0) return;
  const file = path.join(config.data, 'credentials.json');
  const { account, user } = await generatedUser(config.data);
  console.log('\nTry it (python-swiftclient):\n');
  console.log(`  export ST_AUTH=${base}/auth/v1.0 ST_USER=${account}:${user} ST_KEY=$(sed -n 's/.*"key": "\\(.*\\)".*/\\1/p' ${file})`);
  console.log('  swift upload photos README.md\n  swift list photos\n  swift download photos README.md -o -\n');
}
