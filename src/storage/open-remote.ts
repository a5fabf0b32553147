import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectStore } from './object-store.ts';
import type { S3Settings } from './s3/sdk.ts';

/** A place that keeps objects besides this clone, as the configuration was understood. */
export type RemotePlace =
  | { kind: 'directory'; path: string }
  | ({ kind: 's3' } & Omit<S3Settings, 'silenceMs'>);

export interface OpenRemoteOptions {
  /** Ends what is under way. */
  signal: AbortSignal;
  warn(message: string): void;
  /** Longest silence of a connection. */
  timeoutSeconds: number;
  /** How often one request is tried in all. */
  attempts: number;
}

/** The store behind a remote; nothing is connected to or looked at yet. */
export async function openRemoteStore(
  place: RemotePlace,
  { signal, warn, timeoutSeconds, attempts }: OpenRemoteOptions,
): Promise<ObjectStore> {
  // A pause may be long, when the remote asks for it, and must not outlast the command.
  const sleep = (milliseconds: number): Promise<void> => delay(milliseconds, undefined, { signal });
  const retry = { attempts, sleep };
  if (place.kind === 's3') {
    const { S3ObjectStore } = await import('./s3/object-store.ts');
    // It repeats single requests itself: repeating a whole call would upload again what has arrived.
    return new S3ObjectStore({ ...place, silenceMs: timeoutSeconds * 1000 }, { retry, signal, warn });
  }
  const [{ DirectoryObjectStore }, { RetryingObjectStore }] = await Promise.all([
    import('./directory/object-store.ts'),
    import('./retrying.ts'),
  ]);
  return new RetryingObjectStore(new DirectoryObjectStore(place.path), retry);
}

/** Makes what has to be there before a remote is used for the first time: the directory of a share, and nothing in a bucket. */
export async function prepareRemote(place: RemotePlace): Promise<void> {
  if (place.kind === 'directory')
    await (await import('./directory/object-store.ts')).prepareDirectory(place.path);
}
