import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { RegistryRepo } from './registry-repo.ts';
import { useCredentials } from './s3-store.ts';
import { startS3Server, type S3Server } from './s3-server/server.ts';
import { tempDirectory } from './temp-repo.ts';

/** Where a directory can be made that is a remote. */
export async function share(): Promise<string> {
  return join(await tempDirectory(), 'share');
}

/** A server of one test, and its credentials in the environment. */
export async function server(): Promise<S3Server> {
  const started = await startS3Server();
  onTestFinished(() => started.close());
  useCredentials(started);
  return started;
}

/** Somebody else wrote and committed this. */
export async function sharedConfig(repo: RegistryRepo, config: object): Promise<void> {
  await repo.write('.mlops/config.json', JSON.stringify({ schema: 'mlops.config/1', ...config }));
}

export async function document(repo: RegistryRepo, name: string): Promise<unknown> {
  return JSON.parse(await repo.read(`.mlops/${name}`));
}
