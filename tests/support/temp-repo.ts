import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

/** A real, empty directory that is removed when the test ends. */
export async function tempDirectory(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'mlops-test-')));
  onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}

export interface TempGitRepo {
  /** Real path of the work tree. */
  root: string;
  /** The whole environment of commands in this repository: nothing of the machine's Git configuration leaks in. */
  env: Readonly<Record<string, string | undefined>>;
  /** Runs git in the root; resolves to stdout without the last newline, fails when git fails. */
  git(...args: string[]): Promise<string>;
  /** Writes a file below the root, creating its directories. */
  write(path: string, content: string | Uint8Array): Promise<void>;
  /** Reads a file below the root as UTF-8. */
  read(path: string): Promise<string>;
}

export interface TempGitRepoOptions {
  /** Files to write and commit; without any there is no commit yet. */
  files?: Readonly<Record<string, string | Uint8Array>>;
}

/** A hermetic environment for git below `home`: no system or user configuration, no prompts, a fixed identity. */
export function gitEnvironment(home: string): Record<string, string | undefined> {
  // eslint-disable-next-line node/no-process-env -- a test has to find the real git
  const { PATH, SystemRoot } = process.env;
  return {
    PATH: PATH ?? ['/usr/bin', '/bin'].join(delimiter),
    SystemRoot,
    HOME: home,
    USERPROFILE: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: join(home, 'gitconfig'),
    GIT_TERMINAL_PROMPT: '0',
  };
}

/** `git init -b main` in a fresh directory; the home directory lies beside the work tree, so that the tree is clean. */
export async function tempGitRepo(options: TempGitRepoOptions = {}): Promise<TempGitRepo> {
  const base = await tempDirectory();
  const home = join(base, 'home');
  const root = join(base, 'repo');
  await mkdir(home);
  await mkdir(root);
  const settings = '[gc]\n\tauto = 0\n[commit]\n\tgpgSign = false\n[tag]\n\tgpgSign = false\n';
  const user = '[user]\n\tname = Test User\n\temail = test@example.org\n';
  await writeFile(join(home, 'gitconfig'), `${user}${settings}[protocol "file"]\n\tallow = always\n`);
  const repo = openTempRepo(root, gitEnvironment(home));
  await repo.git('init', '--quiet', '-b', 'main');
  const files = Object.entries(options.files ?? {});
  for (const [path, content] of files) await repo.write(path, content);
  if (files.length > 0) {
    await repo.git('add', '--all');
    await repo.git('commit', '--quiet', '-m', 'first');
  }
  return repo;
}

/** The same helpers for another work tree (a clone, a submodule, a linked work tree) in an existing environment. */
export function openTempRepo(root: string, env: Readonly<Record<string, string | undefined>>): TempGitRepo {
  return {
    root,
    env,
    async git(...args) {
      const { stdout } = await run('git', args, { cwd: root, env: { ...env }, maxBuffer: 64 * 1024 * 1024 });
      return stdout.replace(/\n$/, '');
    },
    async write(path, content) {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    },
    read: (path) => readFile(join(root, path), 'utf8'),
  };
}
