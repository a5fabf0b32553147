import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { mustRun, type Environment } from './binary.ts';
import { observe, type RepositoryState } from './invariants.ts';
import { gitEnvironment, openTempRepo, tempDirectory } from './temp-repo.ts';

/** Made up; none of them may ever be written down by the program. */
export const SECRETS = {
  environment: 'wJalrXUtnFEMI-K7MDENG-EXAMPLEKEY',
  remote: 'glpat-EXAMPLE-0123456789',
  argv: 'hunter2-in-a-directory-name',
} as const;

export const PRODUCTION = 'models/demo/stages/production.json';

export interface FaultRepository {
  root: string;
  env: Environment;
  /** Outside the work tree. */
  scratch: string;
}

/** Bytes that are the same each time, don't compress and have no repeated parts. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = (seed * 0x9e3779b9) >>> 0 || 1;
  for (let index = 0; index < length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return bytes;
}

/**
 * A repository with a past, made once for a test file: `demo` with v1, v2 (in production, after v1) and, not saved yet,
 * `build/` as the third; everything committed. A remote and the environment hold secrets. Tests break copies of it.
 */
export function sharedRepository(): () => FaultRepository {
  let base: string | undefined;
  let repository: FaultRepository | undefined;
  beforeAll(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'mlops-test-')));
    repository = await faultRepository(base);
  });
  afterAll(async () => {
    if (base !== undefined) await rm(base, { recursive: true, force: true, maxRetries: 3 });
  });
  return () => {
    if (repository === undefined) throw new Error('the shared repository is made before the first test');
    return repository;
  };
}

export async function faultRepository(base: string): Promise<FaultRepository> {
  const [home, root, scratch] = [join(base, 'home'), join(base, 'repo'), join(base, 'scratch')];
  for (const directory of [home, root, scratch]) await mkdir(directory);
  const user = '[user]\n\tname = Test User\n\temail = test@example.org\n';
  await writeFile(join(home, 'gitconfig'), `${user}[gc]\n\tauto = 0\n[protocol "file"]\n\tallow = always\n`);
  const git = gitEnvironment(home);
  const repo = openTempRepo(root, git);
  await repo.git('init', '--quiet', '--template=', '-b', 'main');
  await repo.git(
    'remote',
    'add',
    'origin',
    `https://robot:${SECRETS.remote}@git.example.org/team/models.git`,
  );
  const env = { ...git, AWS_SECRET_ACCESS_KEY: SECRETS.environment };
  const run = (...argv: string[]): Promise<unknown> => mustRun(argv, { cwd: root, env });
  await repo.write('README.md', 'A work tree that must stay as it is.\n');
  await repo.write('build/weights.bin', noise(700_000));
  await run('init');
  for (const version of ['v1', 'v2']) {
    await repo.write('build/config.json', `{"trained": "${version}"}\n`);
    await run('save', 'demo', 'build', '--version', version, '--metric', 'accuracy=0.9');
    await run('promote', `demo@${version}`);
  }
  await repo.git('add', '--all');
  await repo.git('commit', '--quiet', '-m', 'first');
  await repo.write('build/config.json', '{"trained": "v3"}\n');
  return { root, env, scratch };
}

/** A copy to break, so that each case starts from the same bytes. */
export async function copyRepository({ root, env }: FaultRepository): Promise<FaultRepository> {
  const base = await tempDirectory();
  const copy = join(base, 'repo');
  const scratch = join(base, 'scratch');
  await mkdir(scratch);
  await cp(root, copy, { recursive: true, preserveTimestamps: true });
  return { root: copy, env, scratch };
}

/** A source outside the work tree, in a directory whose name is a secret. */
export async function secretSource(base: string, content: Uint8Array): Promise<string> {
  const directory = join(base, SECRETS.argv);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'model.bin'), content);
  return join(directory, 'model.bin');
}

export function observed({ root }: FaultRepository): RepositoryState {
  return observe(root);
}

/** Version that the production stage names, by the file alone. */
export function inProduction(state: RepositoryState): string | undefined {
  const text = state.documents.get(PRODUCTION);
  return text === undefined ? undefined : (JSON.parse(text) as { version: string }).version;
}

/** Number of events of a type. */
export function countEvents(state: RepositoryState, type: string, version?: string): number {
  return [...state.documents].filter(([path, text]) => {
    if (!path.includes('/events/')) return false;
    const event = JSON.parse(text) as { type: string; subject: { version?: string } };
    return event.type === type && (version === undefined || event.subject.version === version);
  }).length;
}
