import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareDirectory } from '../../src/storage/directory/object-store.ts';
import { cloneOf, registryRepo, type RegistryRepo } from './registry-repo.ts';
import { tempDirectory } from './temp-repo.ts';

/** Two clones of one repository and a directory that is the remote of both. */
export async function shared(): Promise<{
  here: RegistryRepo;
  remote: string;
  there: () => Promise<RegistryRepo>;
}> {
  const here = await registryRepo();
  const base = await tempDirectory();
  const remote = join(base, 'remote');
  await prepareDirectory(remote);
  await useRemote(here, remote);
  let clones = 0;
  const there = async (): Promise<RegistryRepo> => {
    await here.git('add', '--all');
    await here.git('commit', '--quiet', '--allow-empty', '-m', 'share');
    const clone = await cloneOf(here, join(base, `clone${(clones += 1)}`));
    await useRemote(clone, remote);
    return clone;
  };
  return { here, remote, there };
}

/** As `mlops remote add --local` does. */
async function useRemote(repo: RegistryRepo, url: string): Promise<void> {
  const settings = { schema: 'mlops.config/1', remotes: { origin: { url } }, defaultRemote: 'origin' };
  await writeFile(join(repo.root, '.mlops/local.json'), JSON.stringify(settings));
}

/** Paths of all objects of the kind in a remote that is a directory, or in a cache. */
export async function objectsOf(remote: string, kind: string): Promise<string[]> {
  const found: string[] = [];
  for (const aa of await readdir(join(remote, kind)).catch(() => []))
    for (const name of await readdir(join(remote, kind, aa))) found.push(join(remote, kind, aa, name));
  return found.toSorted();
}

/** Flips one byte of a file that may be read-only. */
export async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}
