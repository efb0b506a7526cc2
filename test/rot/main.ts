#!/usr/bin/env node
/**
 * `node test/rot/main.ts --flips 10000 --seed 7`: flips bits under a cluster (rot.ts). Ends with a summary in JSON, and with status 1 where anything was
 * served that nobody wrote, was not there, or has not come back in the end.
 */
import { parseArgs } from 'node:util';
import { rot } from './rot.ts';

const REPORT_ROUNDS = 25;
const { values } = parseArgs({ options: { flips: { type: 'string', default: '10000' }, seed: { type: 'string', default: '7' }, 'per-round': { type: 'string', default: '20' }, objects: { type: 'string', default: '240' } } });
const seed = Number(values.seed);
const onRound = (round: number, counts: object): void => {
  if (round % REPORT_ROUNDS === 0) console.error(`round ${round}: ${JSON.stringify(counts)}`);
};
const result = await rot({ flips: Number(values.flips), flipsPerRound: Number(values['per-round']), objects: Number(values.objects), seed, onRound });
console.log(JSON.stringify({ seed, ...result }, null, 2));
if (result.faults.length > 0) process.exitCode = 1;
