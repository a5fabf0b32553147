import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from './binary.ts';
import { copyRepository, noise, type FaultRepository } from './fault-repository.ts';
import type { SweptCommand } from './fault-sweep.ts';
import type { RepositoryState } from './invariants.ts';
import { openTempRepo } from './temp-repo.ts';

/** Adds a dead manifest and pack, and a pack of which little is needed. */
export async function withGarbage(shared: FaultRepository): Promise<FaultRepository> {
  const copy = await copyRepository(shared);
  const { root, env } = copy;
  const repo = openTempRepo(root, env);
  const run = (...argv: string[]): Promise<unknown> => mustRun(argv, { cwd: root, env });
  for (let at = 0; at < 10; at += 1) await repo.write(`junk/${at}`, noise(90_000, at + 7));
  await run('save', 'junk', 'junk', '--version', 'all');
  await run('save', 'junk', 'junk/3', '--version', 'one');
  await repo.write('other', noise(50_000, 99));
  await run('save', 'junk', 'other', '--version', 'other');
  for (const label of ['all', 'other']) await run('delete', `junk@${label}`, '--reason', 'garbage');
  await rm(join(root, 'junk'), { recursive: true });
  await rm(join(root, 'other'));
  await repo.git('add', '--all', '--', '.mlops');
  await repo.git('commit', '--quiet', '-m', 'garbage');
  return copy;
}

/** v1 and v2 of demo and one of junk. */
export function incomplete(state: RepositoryState): string[] {
  const manifests = [...state.objects.keys()].filter((path) => path.startsWith('manifests/'));
  return manifests.length === 3 ? [] : [`I5: ${manifests.length} manifests instead of 3`];
}

export const GC: SweptCommand = {
  name: 'gc',
  argv: ['gc', '--yes', '--grace', '0'],
  pointer: { before: 'v2', after: 'v2' },
  incomplete,
};
