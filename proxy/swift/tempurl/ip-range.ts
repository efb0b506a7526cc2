/** Whether an address lies in a range like `192.0.2.0/24` or `2001:db8::/32`; a single address is a range of one. */
import { BlockList, isIP } from 'node:net';

export function isInRange(address: string, range: string): boolean {
  const slash = range.indexOf('/');
  const network = slash < 0 ? range : range.slice(0, slash);
  const family = isIP(network);
  const bits = family === 4 ? 32 : 128;
  const length = slash < 0 ? bits : /^\d{1,3}$/.test(range.slice(slash + 1)) ? Number(range.slice(slash + 1)) : -1;
  if (family === 0 || length < 0 || length > bits) return false;
  // An IPv4 client of a socket that takes both comes as ::ffff:192.0.2.1.
  const client = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(client) !== family) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(network, length, type);
  return list.check(client, type);
}
