import type * as Sdk from '@aws-sdk/client-s3';
import { guardedLookup } from './guarded-lookup.ts';
import { pacedAgents } from './paced-agent.ts';

/** Where objects are kept in S3, and how to get there. Credentials come from the SDK's default chain and from nowhere else. */
export interface S3Settings {
  bucket: string;
  /** Without slashes at its ends; may be empty. */
  prefix: string;
  /** `http(s)://host[:port]`; AWS when it is undefined. */
  endpoint: string | undefined;
  region: string | undefined;
  profile: string | undefined;
  /** Bucket in the path and not in the host name. */
  pathStyle: boolean;
  /** False: a host name that leads to a link-local address is refused, as clouds hand out credentials there. */
  linkLocalAllowed: boolean;
  /** Longest silence of a connection in milliseconds; default 30,000. */
  silenceMs?: number;
}

/** What is used of the SDK; the build keeps exactly these names (scripts/build.mjs). */
export type S3Sdk = Pick<
  typeof Sdk,
  | 'CopyObjectCommand'
  | 'DeleteObjectCommand'
  | 'GetObjectCommand'
  | 'HeadObjectCommand'
  | 'ListObjectsV2Command'
  | 'PutObjectCommand'
  | 'S3Client'
>;

export interface S3Connection {
  sdk: S3Sdk;
  client: Sdk.S3Client;
}

const SILENCE_MS = 30_000;
const CONNECT_MS = 10_000;
/** What servers that are not AWS call themselves unless they are told otherwise. */
const CUSTOMARY_REGION = 'us-east-1';

/** Loads the SDK and configures a client; nothing is sent. This is the only file that imports it. */
export async function connect(settings: S3Settings): Promise<S3Connection> {
  const sdk: S3Sdk = await import('@aws-sdk/client-s3');
  const { endpoint, region, profile, pathStyle, linkLocalAllowed, silenceMs = SILENCE_MS } = settings;
  const agent = linkLocalAllowed ? {} : { lookup: guardedLookup((await import('node:dns')).lookup) };
  const quiet = (): void => undefined;
  const silent = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
  const configuration: Sdk.S3ClientConfig = {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    forcePathStyle: pathStyle,
    // A wrong Date of one answer must not spoil the signatures of all that follow.
    disableClockSkewCorrection: true,
    // Objects carry a SHA-256 of their own; what newer versions add by default is more than many other stores understand.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Asking before a large body is sent would cost a connection of its own each time, outside the agents below. A store that refuses
    // writes says so at the first, tiny one.
    expectContinueHeader: false,
    // `Retrier` decides about another attempt.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: Math.min(CONNECT_MS, silenceMs),
      socketTimeout: silenceMs,
      ...pacedAgents(agent, silenceMs),
      // It would write to the console that many requests wait for a connection, which is as it should be.
      logger: silent,
    },
    // And this one that a profile stands before the variables of the environment, into what has to be JSON with `--json`.
    logger: silent,
  };
  const client = new sdk.S3Client(configuration);
  if (endpoint === undefined || region !== undefined) return { sdk, client };
  try {
    await client.config.region();
    return { sdk, client };
  } catch {
    client.destroy();
    return { sdk, client: new sdk.S3Client({ ...configuration, region: CUSTOMARY_REGION }) };
  }
}
