/** What we use of seek-bzip, which has no types of its own. */
declare module 'seek-bzip' {
  interface Input {
    /** The next byte, or -1 at the end. */
    readByte(): number;
    read(buffer: Uint8Array, offset: number, length: number): number;
    eof(): boolean;
  }
  interface Output {
    writeByte(byte: number): void;
  }
  const bunzip: { decode(input: Input, output: Output, multistream: boolean): void };
  export default bunzip;
}
