/**
 * The CRC of two pieces laid end to end, out of the CRCs of the pieces and the length of the second (as zlib's crc32_combine): a CRC is a
 * polynomial over GF(2), and what follows it multiplies it by a power of x.
 */

interface Field {
  readonly bits: bigint;
  /** Reflected. */
  readonly polynomial: bigint;
  /** x to the power of 2^i, grown as needed. */
  readonly powers: bigint[];
}

const FIELDS = {
  crc32: { bits: 32n, polynomial: 0xedb88320n, powers: [1n << 30n] },
  crc32c: { bits: 32n, polynomial: 0x82f63b78n, powers: [1n << 30n] },
  crc64nvme: { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n, powers: [1n << 62n] },
} as const satisfies Record<string, Field>;

export type CombinableChecksum = keyof typeof FIELDS;

/** Big-endian digests in, a big-endian digest out. */
export function combineCrc(algorithm: CombinableChecksum, first: Buffer, second: Buffer, secondBytes: number): Buffer {
  const field: Field = FIELDS[algorithm];
  const crc = multiply(field, powerOfX(field, BigInt(secondBytes)), toNumber(first)) ^ toNumber(second);
  return Buffer.from(crc.toString(16).padStart(Number(field.bits) / 4, '0'), 'hex');
}

function toNumber(digest: Buffer): bigint {
  return BigInt(`0x${digest.toString('hex')}`);
}

/** x to the power of 8 times the number of bytes. */
function powerOfX(field: Field, bytes: bigint): bigint {
  let product = 1n << (field.bits - 1n);
  let left = bytes;
  for (let i = 3; left > 0n; i++, left >>= 1n) if (left & 1n) product = multiply(field, power(field, i), product);
  return product;
}

function power(field: Field, i: number): bigint {
  for (let at = field.powers.length; at <= i; at++) field.powers.push(multiply(field, field.powers[at - 1]!, field.powers[at - 1]!));
  return field.powers[i]!;
}

/** The product of two reflected polynomials modulo the field's. */
function multiply({ bits, polynomial }: Field, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let mask = 1n << (bits - 1n); mask > 0n; mask >>= 1n) {
    if (a & mask) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
}
