import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { GitHooks, HookName, HooksReport } from '../../src/git/git.ts';
import { createGitHooks } from '../../src/git/hook-files.ts';
import { createRunGit } from '../../src/git/run-git.ts';
import { tempGitRepo, type TempGitRepo } from './temp-repo.ts';

export const HOOKS: readonly HookName[] = ['pre-commit', 'pre-push', 'post-checkout', 'post-merge'];

/** Stands for the program: writes its arguments and its input to a file beside it. */
const RECORDER = `const { appendFileSync, readFileSync } = require('node:fs');
const input = readFileSync(0, 'utf8');
const line = JSON.stringify({ args: process.argv.slice(2), input });
appendFileSync(__dirname + '/calls', line + '\\n');
process.exitCode = Number(process.env.EXIT ?? 0);
`;

interface Called {
  args: string[];
  input: string;
}

interface Scene {
  repo: TempGitRepo;
  hooks: GitHooks;
  program: { node: string; script: string };
  calls(): Called[];
}

/** Everything lies in directories whose names a careless shell script would trip over. */
export async function scene(options: { files?: Record<string, string> } = {}): Promise<Scene> {
  const repo = await tempGitRepo({
    files: { 'a.txt': 'a\n', '.mlops/format.json': '{}\n', ...options.files },
  });
  const directory = join(dirname(repo.root), `it's a "ünïcode" $(dir) \`x\``);
  await mkdir(directory);
  const script = join(directory, 'mlops main.js');
  await writeFile(script, RECORDER);
  const program = { node: process.execPath, script };
  return {
    repo,
    hooks: hooksOf(repo, program),
    program,
    calls: () => {
      const log = join(directory, 'calls');
      if (!existsSync(log)) return [];
      return readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Called);
    },
  };
}

export function hooksOf(
  repo: TempGitRepo,
  program: { node: string; script: string },
  directory = repo.root,
): GitHooks {
  return createGitHooks(createRunGit({ directory, env: repo.env, insideHook: false }), program);
}

export function states({ hooks }: HooksReport): Record<string, string> {
  return Object.fromEntries(hooks.map(({ hook, state }) => [hook, state]));
}

export const all = (state: string): Record<string, string> =>
  Object.fromEntries(HOOKS.map((hook) => [hook, state]));

/** Name, mode and content of every entry. */
export function snapshot(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory).toSorted()) {
    const path = join(directory, name);
    const stats = lstatSync(path);
    const content = stats.isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, 'hex');
    found[name] = `${stats.mode.toString(8)} ${content}`;
  }
  return found;
}

export function foreign(path: string, text: string, mode = 0o755): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}
