import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GitHooks, HookName, HooksReport } from '../../src/git/git.ts';
import { createGitHooks } from '../../src/git/hook-files.ts';
import { createRunGit } from '../../src/git/run-git.ts';
import { openTempRepo, tempGitRepo, type TempGitRepo } from '../support/temp-repo.ts';

const HOOKS: readonly HookName[] = ['pre-commit', 'pre-push', 'post-checkout', 'post-merge'];

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
async function scene(options: { files?: Record<string, string> } = {}): Promise<Scene> {
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

function hooksOf(
  repo: TempGitRepo,
  program: { node: string; script: string },
  directory = repo.root,
): GitHooks {
  return createGitHooks(createRunGit({ directory, env: repo.env, insideHook: false }), program);
}

function states({ hooks }: HooksReport): Record<string, string> {
  return Object.fromEntries(hooks.map(({ hook, state }) => [hook, state]));
}

const all = (state: string): Record<string, string> => Object.fromEntries(HOOKS.map((hook) => [hook, state]));

/** Name, mode and content of every entry. */
function snapshot(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory).toSorted()) {
    const path = join(directory, name);
    const stats = lstatSync(path);
    const content = stats.isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, 'hex');
    found[name] = `${stats.mode.toString(8)} ${content}`;
  }
  return found;
}

function foreign(path: string, text: string, mode = 0o755): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

describe('install', () => {
  test('writes four executable hooks that hold the paths of the program, and no npx', async () => {
    const { repo, hooks, program } = await scene();
    const report = await hooks.install();
    expect(states(report)).toEqual(all('active'));
    expect(report.changes.map(({ change }) => change)).toEqual(['written', 'written', 'written', 'written']);
    expect(report).toMatchObject({ directory: join(repo.root, '.git/hooks'), location: 'git' });
    for (const hook of HOOKS) {
      const file = join(repo.root, '.git/hooks', hook);
      const text = readFileSync(file, 'utf8');
      expect(lstatSync(file).mode & 0o111).not.toBe(0);
      expect(text.startsWith(`#!/bin/sh\n# mlops-hook v1 ${hook} `)).toBe(true);
      expect(text).toContain(program.node);
      expect(text).not.toContain('npx');
      expect(spawnSync('/bin/sh', ['-n', file]).status).toBe(0);
    }
  });

  test('is the same twice, and from a directory below the root', async () => {
    const { repo, hooks, program } = await scene({ files: { 'deep/er/b.txt': 'b\n' } });
    await repo.git('config', 'core.hooksPath', 'my hooks/of git');
    await hooks.install();
    const before = snapshot(join(repo.root, 'my hooks/of git'));
    expect(Object.keys(before).toSorted()).toEqual([...HOOKS].toSorted());
    const again = await hooksOf(repo, program, join(repo.root, 'deep/er')).install();
    expect(again).toMatchObject({ changes: [], location: 'work-tree' });
    expect(snapshot(join(repo.root, 'my hooks/of git'))).toEqual(before);
  });

  test('replaces its own file when the program moved', async () => {
    const { repo, hooks, program } = await scene();
    await hooks.install();
    const moved = hooksOf(repo, { ...program, script: '/elsewhere/mlops.js' });
    expect(states(await moved.status())).toEqual(all('outdated'));
    expect((await moved.install()).changes.map(({ change }) => change)).toEqual(Array(4).fill('updated'));
    expect(readFileSync(join(repo.root, '.git/hooks/pre-push'), 'utf8')).toContain("'/elsewhere/mlops.js'");
  });

  test('keeps a file of a newer program, and one of ours that somebody changed', async () => {
    const { repo, hooks } = await scene();
    await hooks.install();
    const [newer, edited] = ['pre-commit', 'pre-push'].map((hook) => join(repo.root, '.git/hooks', hook));
    if (newer === undefined || edited === undefined) throw new Error('no paths');
    writeFileSync(newer, readFileSync(newer, 'utf8').replace('mlops-hook v1', 'mlops-hook v99'));
    writeFileSync(edited, `${readFileSync(edited, 'utf8')}echo mine\n`);
    const before = snapshot(dirname(newer));
    const { changes } = await hooks.install();
    expect(changes).toEqual([
      { hook: 'pre-commit', change: 'kept', reason: 'a newer mlops wrote it' },
      { hook: 'pre-push', change: 'kept', reason: 'somebody changed it after mlops wrote it' },
    ]);
    expect(snapshot(dirname(newer))).toEqual(before);
  });

  test('writes no path of the machine when it has to be portable, and stays so', async () => {
    const { repo, hooks, program } = await scene();
    await hooks.install({ portable: true });
    const text = readFileSync(join(repo.root, '.git/hooks/pre-push'), 'utf8');
    expect(text).not.toContain(dirname(program.script));
    expect(text).not.toContain(program.node);
    expect((await hooks.install()).changes).toEqual([]);
  });

  test('does not write through a hooks directory that leads out of the repository', async () => {
    const { repo, hooks } = await scene();
    const outside = join(dirname(repo.root), 'outside');
    mkdirSync(outside);
    await repo.git('config', 'core.hooksPath', outside);
    const report = await hooks.install();
    expect(report.location).toBe('outside');
    expect(states(report)).toEqual(all('manual'));
    expect(report.hooks[1]?.step).toContain('  mlops hooks run pre-push "$@"\n');
    expect(report.hooks[1]?.step).toContain(join(outside, 'pre-push'));
    expect(readdirSync(outside)).toEqual([]);

    await repo.git('config', '--unset', 'core.hooksPath');
    const link = join(repo.root, '.git/hooks-link');
    symlinkSync(outside, link);
    await repo.git('config', 'core.hooksPath', link);
    expect(states(await hooks.install())).toEqual(all('manual'));
    expect(readdirSync(outside)).toEqual([]);
    expect(states(await hooks.install({ shared: true }))).toEqual(all('active'));
    expect(readdirSync(outside).toSorted()).toEqual([...HOOKS].toSorted());
  });

  test('refuses hooks that are switched off', async () => {
    const { repo, hooks } = await scene();
    await repo.git('config', 'core.hooksPath', '/dev/null');
    await expect(hooks.install()).rejects.toMatchObject({ code: 'HOOKS_OFF', exitCode: 2 });
  });

  test('takes up an installation that was interrupted after the old hook got its second name', async () => {
    const { repo, hooks } = await scene();
    const file = join(repo.root, '.git/hooks/pre-push');
    foreign(file, '#!/bin/sh\nexit 3\n');
    linkSync(file, `${file}.mlops-previous`);
    const report = await hooks.install();
    expect(report.changes).toContainEqual({ hook: 'pre-push', change: 'chained' });
    expect(readFileSync(`${file}.mlops-previous`, 'utf8')).toBe('#!/bin/sh\nexit 3\n');
  });
});

describe('a hook that was there before', () => {
  test('runs first, with the same arguments and input, and both see all of it', async () => {
    const { repo, hooks, calls } = await scene();
    const file = join(repo.root, '.git/hooks/pre-push');
    foreign(file, '#!/bin/sh\nprintf "%s\\n" "$#" "$1" "$2" > foreign.args\ncat > foreign.in\n');
    expect((await hooks.install()).hooks[1]).toMatchObject({ state: 'active', via: 'file', chained: true });
    const input = 'refs/heads/ü 1 refs/heads/ü 0\n\\n refs %s 2 3 4\nno end of line';
    const done = spawnSync(file, ['origin', 'https://example.org/a b?c=$(d)'], { cwd: repo.root, input });
    expect(done).toMatchObject({ status: 0 });
    expect(await repo.read('foreign.args')).toBe('2\norigin\nhttps://example.org/a b?c=$(d)\n');
    expect(await repo.read('foreign.in')).toBe(input);
    expect(calls()).toEqual([
      { args: ['hooks', 'run', 'pre-push', '--', 'origin', 'https://example.org/a b?c=$(d)'], input },
    ]);
  });

  test.each(['pre-commit', 'pre-push'])('of %s stops the command when it refuses', async (hook) => {
    const { repo, hooks, calls } = await scene();
    const file = join(repo.root, '.git/hooks', hook);
    foreign(file, '#!/bin/sh\nexit 7\n');
    await hooks.install();
    expect(spawnSync(file, ['a', 'b'], { cwd: repo.root, input: 'x\n'.repeat(10_000) }).status).toBe(7);
    expect(calls()).toEqual([]);
  });

  test.each(['post-checkout', 'post-merge'])(
    'of %s gives the exit code, and ours runs all the same',
    async (hook) => {
      const { repo, hooks, calls } = await scene();
      const file = join(repo.root, '.git/hooks', hook);
      foreign(file, '#!/bin/sh\nexit 7\n');
      await hooks.install();
      expect(spawnSync(file, ['0', '1', '1'], { cwd: repo.root, input: '' }).status).toBe(7);
      expect(calls().map(({ args }) => args)).toEqual([['hooks', 'run', hook, '--', '0', '1', '1']]);
    },
  );

  test('that Git would not run, as it is not executable, stays so', async () => {
    const { repo, hooks, calls } = await scene();
    const file = join(repo.root, '.git/hooks/pre-commit');
    foreign(file, '#!/bin/sh\nexit 7\n', 0o644);
    await hooks.install();
    expect(spawnSync(file, [], { cwd: repo.root, input: '' }).status).toBe(0);
    expect(calls()).toHaveLength(1);
  });

  test('that runs our command already is left alone', async () => {
    const { repo, hooks } = await scene();
    const file = join(repo.root, '.git/hooks/pre-commit');
    foreign(
      file,
      '#!/bin/sh\n# mlops hooks run pre-push\nmlops hooks run pre-commit "$@" || exit\nmake lint\n',
    );
    const report = await hooks.install();
    expect(report.hooks[0]).toMatchObject({ state: 'active', via: 'line', chained: false });
    expect(existsSync(`${file}.mlops-previous`)).toBe(false);
  });

  test('is never overwritten by a second one', async () => {
    const { repo, hooks } = await scene();
    const file = join(repo.root, '.git/hooks/pre-push');
    foreign(file, '#!/bin/sh\n# first\n');
    await hooks.install();
    foreign(file, '#!/bin/sh\n# second\n');
    const before = snapshot(dirname(file));
    const report = await hooks.install();
    expect(report.hooks[1]).toMatchObject({
      state: 'blocked',
      step: expect.stringContaining('merge the two'),
    });
    expect(snapshot(dirname(file))).toEqual(before);
    await hooks.uninstall();
    expect(readFileSync(file, 'utf8')).toBe('#!/bin/sh\n# second\n');
    expect(readFileSync(`${file}.mlops-previous`, 'utf8')).toBe('#!/bin/sh\n# first\n');
  });
});

describe('uninstall', () => {
  test('leaves the directory byte for byte and mode for mode as it was', async () => {
    const { repo, hooks } = await scene();
    const directory = join(repo.root, '.git/hooks');
    foreign(
      join(directory, 'pre-push'),
      Buffer.from([0x23, 0x21, 0xff, 0x00, 0x0d, 0x0a]).toString('latin1'),
      0o751,
    );
    foreign(join(directory, 'pre-commit'), '#!/usr/bin/env python3\nprint(1)', 0o700);
    foreign(join(directory, 'commit-msg'), '#!/bin/sh\n', 0o755);
    foreign(join(repo.root, 'tools/merged'), '#!/bin/sh\nexit 0\n');
    symlinkSync('../../tools/merged', join(directory, 'post-merge'));
    const before = snapshot(directory);
    await hooks.install();
    expect(snapshot(directory)).not.toEqual(before);
    const { changes, ...report } = await hooks.uninstall();
    expect(changes.map(({ hook, change }) => `${hook} ${change}`)).toEqual([
      'pre-commit restored',
      'pre-push restored',
      'post-checkout removed',
      'post-merge restored',
    ]);
    expect(snapshot(directory)).toEqual(before);
    expect(states(report)).toEqual(all('missing'));
    expect((await hooks.uninstall()).changes).toEqual([]);
  });

  test('finds what was written before core.hooksPath was set, and what pre-commit pushed aside', async () => {
    const { repo, hooks } = await scene();
    await hooks.install();
    await repo.git('config', 'core.hooksPath', '.githooks');
    const aside = join(repo.root, '.git/hooks/pre-push');
    linkSync(aside, `${aside}.legacy`);
    writeFileSync(`${aside}.new`, 'generated by pre-commit');
    const { changes } = await hooks.uninstall();
    expect(changes.filter(({ change }) => change === 'removed')).toHaveLength(5);
    expect(readdirSync(join(repo.root, '.git/hooks')).filter((name) => !name.endsWith('.sample'))).toEqual([
      'pre-push.new',
    ]);
  });

  test('does not remove one of ours that somebody changed', async () => {
    const { repo, hooks } = await scene();
    await hooks.install();
    const file = join(repo.root, '.git/hooks/post-merge');
    writeFileSync(file, `${readFileSync(file, 'utf8')}echo mine\n`);
    const { changes } = await hooks.uninstall();
    expect(changes.at(-1)).toMatchObject({ hook: 'post-merge', change: 'kept' });
    expect(readFileSync(file, 'utf8')).toMatch(/echo mine\n$/);
  });
});

describe('the script', () => {
  test('runs without PATH', async () => {
    const { repo, hooks, calls } = await scene();
    await hooks.install();
    const done = spawnSync(join(repo.root, '.git/hooks/pre-commit'), [], {
      cwd: repo.root,
      env: {},
      input: '',
    });
    expect(done.status).toBe(0);
    expect(calls()).toEqual([{ args: ['hooks', 'run', 'pre-commit', '--'], input: '' }]);
  });

  test('passes the exit code of the program on', async () => {
    const { repo, hooks } = await scene();
    await hooks.install();
    const file = join(repo.root, '.git/hooks/pre-push');
    expect(spawnSync(file, ['o', 'u'], { cwd: repo.root, env: { EXIT: '7' }, input: '' }).status).toBe(7);
    foreign(`${file}.mlops-previous`, '#!/bin/sh\nexit 0\n');
    expect(spawnSync(file, ['o', 'u'], { cwd: repo.root, env: { EXIT: '3' }, input: 'a\n' }).status).toBe(3);
  });

  test('falls back to another node, then to mlops on PATH', async () => {
    const { repo, program, calls } = await scene();
    const bin = join(dirname(repo.root), 'bin dir');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    const gone = hooksOf(repo, { node: '/nowhere/node', script: program.script });
    await gone.install();
    const file = join(repo.root, '.git/hooks/pre-commit');
    expect(spawnSync(file, [], { cwd: repo.root, env: { PATH: bin }, input: '' }).status).toBe(0);
    expect(calls()).toHaveLength(1);

    await hooksOf(repo, { node: '/nowhere/node', script: '/nowhere/mlops.js' }).install();
    foreign(join(bin, 'mlops'), '#!/bin/sh\necho "$@" > by-path\n');
    expect(spawnSync(file, [], { cwd: repo.root, env: { PATH: bin }, input: '' }).status).toBe(0);
    expect(await repo.read('by-path')).toBe('hooks run pre-commit --\n');
  });

  test('without the program refuses a push, and warns of the rest', async () => {
    const { repo } = await scene();
    await hooksOf(repo, { node: '/nowhere/node', script: '/nowhere/mlops.js' }).install();
    const codes = HOOKS.map((hook) => {
      const file = join(repo.root, '.git/hooks', hook);
      const { status, stderr } = spawnSync(file, ['0', '1', '1'], { cwd: repo.root, env: {}, input: '' });
      expect(stderr.toString()).toContain("can't find mlops");
      expect(stderr.toString()).toContain('hint: install mlops and run: mlops hooks install');
      return status;
    });
    expect(codes).toEqual([0, 1, 0, 0]);
  });

  test('does not start the program where files were checked out or there is no .mlops', async () => {
    const { repo, hooks, calls } = await scene();
    await hooks.install();
    const file = join(repo.root, '.git/hooks/post-checkout');
    expect(spawnSync(file, ['1', '2', '0'], { cwd: repo.root, input: '' }).status).toBe(0);
    expect(spawnSync(file, ['1', '2', '1'], { cwd: dirname(repo.root), input: '' }).status).toBe(0);
    expect(calls()).toEqual([]);
  });

  test('is run by Git in every work tree', async () => {
    const { repo, hooks, program, calls } = await scene();
    await hooks.install();
    const path = join(dirname(repo.root), 'linked tree');
    await repo.git('worktree', 'add', '--quiet', '-b', 'side', path);
    const linked = openTempRepo(path, repo.env);
    expect(states(await hooksOf(linked, program).status())).toEqual(all('active'));
    await linked.git('commit', '--quiet', '--allow-empty', '-m', 'x');
    expect(calls().map(({ args }) => args[2])).toEqual(['post-checkout', 'pre-commit']);
  });
});

describe('tools that manage hooks', () => {
  const huskyHook = '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n';

  test('husky: prints the line for its file and becomes active with it', async () => {
    const { repo, hooks } = await scene();
    await repo.git('config', 'core.hooksPath', '.husky/_');
    for (const hook of HOOKS) foreign(join(repo.root, '.husky/_', hook), huskyHook);
    const before = snapshot(join(repo.root, '.husky/_'));
    const report = await hooks.install();
    expect(states(report)).toEqual(all('manual'));
    expect(report.hooks[0]?.step).toBe(
      'husky manages the hook pre-commit; add to .husky/pre-commit:\n  mlops hooks run pre-commit "$@"',
    );
    expect(snapshot(join(repo.root, '.husky/_'))).toEqual(before);
    await repo.write('.husky/pre-commit', 'npm test\nmlops hooks run pre-commit "$@"\n');
    const after = await hooks.status();
    expect(after.hooks[0]).toMatchObject({ state: 'active', via: 'husky' });
    expect(after.hooks[1]).toMatchObject({ state: 'manual' });
  });

  test('husky that is not set up yet: is not overtaken', async () => {
    const { repo, hooks } = await scene();
    await repo.write('.husky/pre-commit', 'mlops hooks run pre-commit "$@"\n');
    const report = await hooks.install();
    expect(report.hooks[0]).toMatchObject({ state: 'manual', step: 'run: npx husky' });
    expect(existsSync(join(repo.root, '.git/hooks/pre-commit'))).toBe(false);
  });

  test('lefthook: prints what belongs into its configuration', async () => {
    const { repo, hooks } = await scene();
    await repo.write('lefthook.yml', '# mlops hooks run pre-push\npre-commit:\n  commands: {}\n');
    const generated =
      '#!/bin/sh\ncall_lefthook()\n{\n  lefthook "$@"\n}\ncall_lefthook run "pre-push" "$@"\n';
    foreign(join(repo.root, '.git/hooks/pre-push'), generated);
    const report = await hooks.install();
    expect(states(report)).toEqual(all('manual'));
    expect(report.hooks[1]?.step).toBe(
      [
        'lefthook manages the hook pre-push; add to lefthook.yml:',
        '  pre-push:',
        '    commands:',
        '      mlops:',
        '        run: mlops hooks run pre-push {0}',
        '        use_stdin: true',
      ].join('\n'),
    );
    const lines = (report.hooks[1]?.step ?? '').split('\n').slice(1);
    await repo.write('lefthook.yml', lines.map((line) => `${line.slice(2)}\n`).join(''));
    expect((await hooks.status()).hooks[1]).toMatchObject({ state: 'active', via: 'lefthook' });
    expect(readFileSync(join(repo.root, '.git/hooks/pre-push'), 'utf8')).toBe(generated);
    await repo.write(
      'lefthook.yml',
      'pre-commit:\n  commands:\n    mlops:\n      run: mlops hooks run pre-commit\n',
    );
    expect((await hooks.status()).hooks[0]).toMatchObject({ state: 'manual', step: 'run: lefthook install' });
  });

  test('pre-commit: leaves the hook that it generated and writes the others', async () => {
    const { repo, hooks } = await scene();
    await repo.write('.pre-commit-config.yaml', 'repos: []\n');
    const generated = '#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\nexit 0\n';
    const file = join(repo.root, '.git/hooks/pre-commit');
    foreign(file, generated);
    const report = await hooks.install();
    expect(states(report)).toEqual({ ...all('active'), 'pre-commit': 'manual' });
    expect(report.hooks[0]?.step).toContain('entry: mlops hooks run pre-commit\n');
    expect(readFileSync(file, 'utf8')).toBe(generated);
    expect(existsSync(`${file}.mlops-previous`)).toBe(false);
    const lines = (report.hooks[0]?.step ?? '').split('\n').slice(1);
    await repo.write(
      '.pre-commit-config.yaml',
      `repos:\n${lines.map((line) => `${line.slice(2)}\n`).join('')}`,
    );
    expect((await hooks.status()).hooks[0]).toMatchObject({ state: 'active', via: 'pre-commit' });
  });

  test('pre-commit that was installed after ours runs ours as the legacy hook', async () => {
    const { repo, hooks } = await scene();
    await hooks.install();
    const file = join(repo.root, '.git/hooks/pre-push');
    linkSync(file, `${file}.legacy`);
    const generated = '#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\nexit 0\n';
    writeFileSync(`${file}.tmp`, generated, { mode: 0o755 });
    spawnSync('mv', [`${file}.tmp`, file]);
    expect((await hooks.status()).hooks[1]).toMatchObject({ state: 'active', via: 'pre-commit' });
    expect((await hooks.install()).changes).toEqual([]);
    await hooks.uninstall();
    expect(readFileSync(file, 'utf8')).toBe(generated);
    expect(existsSync(`${file}.legacy`)).toBe(false);
  });
});
