import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { registryRepo, type RegistryRepo } from './registry-repo.ts';

/** Every entry below a directory with a digest of what it is; indexes and lock files are nobody's data. */
export async function snapshot(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(directory, { recursive: true })) {
    if (/(?:^|[/\\])\.git[/\\]|(?:^|[/\\])\.mlops[/\\](?:cache[/\\]index|tmp)[/\\]/.test(name)) continue;
    const path = join(directory, name);
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) found.set(name, `link to ${await readlink(path)}`);
    else if (stats.isFile())
      found.set(
        name,
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      );
  }
  return found;
}

export async function twoModels(): Promise<RegistryRepo> {
  const repo = await registryRepo();
  await repo.save('fraud', 'v1');
  await repo.save('fraud', 'v2');
  await repo.save('churn', 'v1');
  await repo.json('promote', 'fraud@v1');
  await repo.git('commit', '--quiet', '-m', 'Two models');
  return repo;
}
