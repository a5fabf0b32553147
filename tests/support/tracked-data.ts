import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { registryRepo, type RegistryRepo } from './registry-repo.ts';

interface Status {
  clean: boolean;
  paths: {
    path: string;
    state: string;
    digest: string | null;
    present: boolean;
    changes: { path: string; change: string }[] | null;
    problem: { code: string; message: string; hint: string | null } | null;
  }[];
}

export interface Added {
  paths: { path: string; digest: string; outcome: string; previous: string | null; event: string | null }[];
}

export async function statusOf(
  repo: RegistryRepo,
  ...options: string[]
): Promise<Status & { code: number; states: Record<string, string> }> {
  const { code, stdout, stderr } = await repo.run('status', ...options, '--json');
  if (stdout === '') throw new Error(stderr);
  const { data } = JSON.parse(stdout) as { data: Status };
  const states = Object.fromEntries(data.paths.map(({ path, state }) => [path, state]));
  return { ...data, code, states };
}

export async function eventsOf(repo: RegistryRepo): Promise<Record<string, unknown>[]> {
  const names: string[] = await readdir(join(repo.root, '.mlops/events')).catch(() => []);
  const texts = await Promise.all(names.toSorted().map((name) => repo.read(`.mlops/events/${name}`)));
  return texts.map((text) => JSON.parse(text) as Record<string, unknown>);
}

/** A repository whose `data/train.csv` is tracked and committed. */
export async function tracked(content = 'first\n'): Promise<RegistryRepo> {
  const repo = await registryRepo();
  await repo.write('data/train.csv', content);
  await repo.json('data', 'add', 'data/train.csv', '--commit');
  return repo;
}
