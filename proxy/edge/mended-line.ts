/**
 * Request lines with raw bytes beyond ASCII. RFC 3986 has clients escape them; Swift takes them as they are, and old clients count on it.
 * Node's parser does not: it gives the packet up. Where nothing but that is wrong, the line is escaped for them.
 */

const LINE = /^((?:GET|HEAD|PUT|POST|DELETE|COPY|OPTIONS) )([!-~\x80-\xff]+)( HTTP\/1\.1\r\n)/;

/**
 * The packet with its first line escaped, and with word that nothing follows the request on its connection; undefined where the parser did
 * not stop in the target of a whole request line that the packet begins with.
 *
 * There are no two readings of the packet: between its first byte and the one the parser stopped at (`stoppedAt`) are one of our methods, one
 * space, and no other space or control character. A parser that stands in a target there can only have begun the request at the packet's
 * first byte: before a request that began later would be the end of another's headers or chunk (a line feed), or of its body, and then our
 * method would end in another one, which none does; one that began earlier would have had its target ended by the space.
 */
export function mendLine(packet: Buffer, stoppedAt: number): Buffer | undefined {
  const line = LINE.exec(packet.toString('latin1', 0, packet.indexOf('\r\n') + 2));
  if (line === null) return undefined;
  const [all, method = '', target = '', version = ''] = line;
  if (method.length + target.search(BEYOND_ASCII) !== stoppedAt) return undefined;
  const escaped = target.replace(BEYOND_ASCII_ALL, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
  return Buffer.concat([Buffer.from(`${method}${escaped}${version}Connection: close\r\n`, 'latin1'), packet.subarray(all.length)]);
}

const BEYOND_ASCII = /[\x80-\xff]/;
const BEYOND_ASCII_ALL = /[\x80-\xff]/g;
