import { onTestFinished, vi } from 'vitest';
import { S3ObjectStore, type S3StoreOptions } from '../../src/storage/s3/object-store.ts';
import type { S3Settings } from '../../src/storage/s3/sdk.ts';
import { objectPath } from '../../src/storage/object-errors.ts';
import type { ObjectKey } from '../../src/storage/object-store.ts';
import { startS3Server, type S3Server, type S3ServerOptions } from './s3-server/server.ts';

export interface S3StoreFixture {
  server: S3Server;
  store: S3ObjectStore;
  /** What the store was warned of. */
  warnings: string[];
  /** Pauses before further attempts, in milliseconds; no time passes. */
  pauses: number[];
  /** The key of an object in the bucket. */
  pathOf(key: ObjectKey): string;
  /** A store of the same bucket with other settings. */
  open(settings?: Partial<S3Settings>, options?: S3StoreOptions): S3ObjectStore;
}

/** Credentials are taken from the environment only, as the SDK's default chain does. */
export function useCredentials({ accessKeyId, secretAccessKey }: S3Server, sessionToken = ''): void {
  const home = '/nonexistent';
  const variables: Record<string, string | undefined> = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken === '' ? undefined : sessionToken,
    AWS_PROFILE: undefined,
    AWS_REGION: undefined,
    AWS_DEFAULT_REGION: undefined,
    AWS_ENDPOINT_URL: undefined,
    AWS_ENDPOINT_URL_S3: undefined,
    AWS_CONFIG_FILE: `${home}/config`,
    AWS_SHARED_CREDENTIALS_FILE: `${home}/credentials`,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: undefined,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined,
    AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** A server of its own for one test, and a store in it that never sleeps. */
export async function s3Store(
  options: S3ServerOptions & { prefix?: string } = {},
  storeOptions: S3StoreOptions = {},
): Promise<S3StoreFixture> {
  const { prefix = 'team/models', ...serverOptions } = options;
  const server = await startS3Server(serverOptions);
  onTestFinished(() => server.close());
  useCredentials(server);
  const warnings: string[] = [];
  const pauses: number[] = [];
  const open = (settings: Partial<S3Settings> = {}, more: S3StoreOptions = {}): S3ObjectStore =>
    new S3ObjectStore(
      {
        bucket: server.bucket,
        prefix,
        endpoint: server.endpoint,
        region: undefined,
        profile: undefined,
        pathStyle: true,
        linkLocalAllowed: false,
        ...settings,
      },
      {
        retry: { sleep: (milliseconds) => Promise.resolve(void pauses.push(milliseconds)), random: () => 1 },
        warn: (message) => void warnings.push(message),
        ...storeOptions,
        ...more,
      },
    );
  const pathOf = (key: ObjectKey): string => (prefix === '' ? '' : `${prefix}/`) + objectPath(key);
  return { server, store: open(), warnings, pauses, pathOf, open };
}
