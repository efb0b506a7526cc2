/** Types of the package `consistent-hash`, which ships none. */
declare module 'consistent-hash' {
  export default class ConsistentHash {
    add(node: string, weight?: number): this;
    remove(node: string): this;
    get(name: string): string;
  }
}
