/** What `gori simulate --ring` prints for people. */
import type { FailureReport, Healing } from './ring-failure.ts';

export function failureWords(report: FailureReport): string {
  const { failed, partitions, left, lost, withoutMajority, bytesToCopy, replaced, removed, risk } = report;
  const counts = Object.entries(left).sort(([a], [b]) => Number(b) - Number(a)).map(([replicas, count]) => `${count} with ${replicas} of their replicas`);
  const ofThem = lost.partitions === 0 ? 'Nothing is lost' : `${lost.partitions} partitions are lost, ${bytesText(lost.bytes)}`;
  return [
    `${failed.join(', ')} ${failed.length === 1 ? 'dies' : 'die'}: ${partitions} partitions are short of replicas${counts.length === 0 ? '' : `: ${counts.join(', ')}`}.`,
    `${ofThem}. ${withoutMajority === 0 ? 'All is read and written on' : `${withoutMajority} partitions have no majority: their names answer 503 (under strong consistency)`}.`,
    `${bytesText(bytesToCopy)} have to be copied.`,
    `With empty disks in their place: ${healingText(replaced)}.`,
    removed === undefined ? 'They cannot be removed from the ring: too few devices are left for its replicas.' : `Removed from the ring: ${healingText(removed)}.`,
    `Meanwhile ${risk.devicesThatMatter} other devices hold what is short; the worst of them would leave ${risk.partitionsWithoutMajorityAtWorst} partitions without a majority. That something is lost before all is whole has a probability of at most ${risk.lossProbability.toExponential(1)}.`,
  ].join('\n');
}

function healingText({ seconds, slowest, by, receivers }: Healing): string {
  if (receivers === 0) return 'there is nothing to copy';
  return `whole again in ${timeText(seconds)}, ${receivers} ${receivers === 1 ? 'device takes' : 'devices take'} copies, and what takes longest is to ${by} at ${slowest}`;
}

function timeText(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function bytesText(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]!}`;
}
