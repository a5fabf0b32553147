/** A real S3 server on loopback. */
export interface RealS3Server {
  name: 'SeaweedFS' | 'moto';
  endpoint: string;
  /** Where it counts requests and bytes in Prometheus' text format, if it does. */
  metrics: string | undefined;
  accessKeyId: string;
  secretAccessKey: string;
  /** What the server was measured to do; tests of these features run only where they mean something. */
  verifiesSignatures: boolean;
  verifiesChecksums: boolean;
  /** Ends the process and removes everything it stored. */
  close(): Promise<void>;
}

/**
 * @param python interpreter of the virtual environment that `prepareInteropEnvironment('s3')` made
 * @throws Error with the end of the server's log when it does not start
 */
export function startSeaweedFs(python: string): Promise<RealS3Server>;
/** As {@link startSeaweedFs}. */
export function startMoto(python: string): Promise<RealS3Server>;
