/** Checksums of bodies: MD5, SHA-1, SHA-256 and the three CRCs of S3, in this thread or in a worker. */
export { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from './algorithms.ts';
export { combineCrc, type CombinableChecksum } from './crc-combine.ts';
export { crc32c } from './crc32c.ts';
export { checksumsOf, createHasher, INLINE_BYTES, type Hasher } from './hasher.ts';
export { closeChecksumWorkers } from './worker-hasher.ts';
