import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { all, foreign, HOOKS, hooksOf, scene, snapshot, states } from '../support/hook-scene.ts';
import { openTempRepo } from '../support/temp-repo.ts';

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
