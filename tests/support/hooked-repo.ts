import { execFile } from 'node:child_process';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { asRegistry, registryRepo, type RegistryRepo } from './registry-repo.ts';
import { openTempRepo } from './temp-repo.ts';

interface Done {
  code: number;
  stdout: string;
  stderr: string;
}

/** Tests of hooks let the real Git start the real program, which `npm run build` makes. */
export function gitDone(repo: RegistryRepo, ...args: string[]): Promise<Done> {
  return gitWith(repo, repo.env, ...args);
}

export function gitWith(
  repo: RegistryRepo,
  env: Readonly<Record<string, string | undefined>>,
  ...args: string[]
): Promise<Done> {
  return new Promise((done) => {
    execFile('git', args, { cwd: repo.root, env: { ...env } }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
      done({ code, stdout, stderr });
    });
  });
}

export interface Hooked extends RegistryRepo {
  /** A bare Git repository, the remote `origin`. */
  bare: string;
  /** A directory that is the remote for objects, when `withStore` made it one. */
  store: string;
}

/** A registry with hooks, a Git remote, and commits on `main` that were pushed. */
export async function hooked(): Promise<Hooked> {
  const plain = await registryRepo();
  // A name that a careless shell script would trip over.
  const root = join(dirname(plain.root), `it's "ünï" $(x)`);
  await rename(plain.root, root);
  const repo = asRegistry(openTempRepo(root, plain.env));
  const bare = join(dirname(root), 'bare.git');
  await repo.git('init', '--quiet', '--bare', '-b', 'main', bare);
  await repo.git('remote', 'add', 'origin', bare);
  await repo.json('hooks', 'install');
  expect(await gitDone(repo, 'push', '--quiet', 'origin', 'main')).toMatchObject({ code: 0, stderr: '' });
  return { ...repo, bare, store: join(dirname(root), 'store') };
}

export async function withStore(repo: Hooked): Promise<void> {
  await mkdir(repo.store);
  await repo.json('remote', 'add', 'store', repo.store, '--default');
  await repo.git('add', '--all');
  if ((await repo.git('status', '--porcelain')) !== '')
    await repo.git('commit', '--quiet', '-m', 'Name the remote');
}

export async function saved(repo: RegistryRepo, model: string, label: string): Promise<void> {
  await repo.save(model, label);
  await repo.git('commit', '--quiet', '-m', `Save ${model} ${label}`);
}
