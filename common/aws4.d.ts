/** What tests use of aws4, which comes without types. */
declare module 'aws4' {
  export interface Request {
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string | number>>;
  }
  const aws4: { sign(request: object, credentials: { accessKeyId: string; secretAccessKey: string }): Request };
  export default aws4;
}
