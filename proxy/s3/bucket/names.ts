/** Names that a bucket may have ("Bucket naming rules" of the user guide). */

const FORM = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const ADDRESS = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const RESERVED = /^(?:xn--|sthree-|amzn-s3-demo-)|(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/;

export function isBucketName(name: string): boolean {
  return FORM.test(name) && !name.includes('..') && !name.includes('.-') && !name.includes('-.') && !ADDRESS.test(name) && !RESERVED.test(name);
}
