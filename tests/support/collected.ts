import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { registryRepo, type RegistryRepo } from './registry-repo.ts';

export interface Gc {
  dryRun: boolean;
  reclaimable: number;
  manifests: { digest: string }[];
  packs: { name: string; size: number }[];
  sparse: { name: string; size: number; neededBytes: number }[];
  removed: { manifests: number; packs: number; repacked: number; bytes: number } | null;
  young: string[];
  elsewhere: {
    digest: string;
    keepers: { kind: string; name: string; from: { kind: string; name: string }[] }[];
  }[];
}

export const gc = (repo: RegistryRepo, ...options: string[]): Promise<Gc> =>
  repo.json<Gc>('gc', '--grace', '0', ...options);

export async function commitAll(repo: RegistryRepo, message: string): Promise<void> {
  await repo.git('add', '--all', '--', '.mlops');
  await repo.git('commit', '--quiet', '--allow-empty', '-m', message);
}

/** Paths of all objects, sorted. */
export async function objects(repo: RegistryRepo): Promise<string[]> {
  const found: string[] = [];
  for (const kind of ['packs', 'manifests']) {
    const top = join(repo.root, '.mlops/cache', kind);
    if (!existsSync(top)) continue;
    for (const entry of await readdir(top, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) found.push(join(entry.parentPath, entry.name));
    }
  }
  return found.toSorted();
}

/** A repository with fraud@v1 committed, and v2 saved and deleted again, which only the reflog still knows. */
export async function withGarbage(): Promise<RegistryRepo> {
  const repo = await registryRepo();
  await repo.save('fraud', 'v1');
  await commitAll(repo, 'v1');
  await repo.save('fraud', 'v2');
  await repo.json('delete', 'fraud@v2', '--reason', 'wrong');
  await commitAll(repo, 'v2 came and went');
  return repo;
}

export async function loads(repo: RegistryRepo, reference: string, text: string): Promise<void> {
  await repo.json('load', reference, '-o', 'restored', '--force');
  expect(await repo.read('restored')).toBe(text);
}
