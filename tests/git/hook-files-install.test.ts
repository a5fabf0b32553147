import { spawnSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { all, foreign, HOOKS, hooksOf, scene, snapshot, states } from '../support/hook-scene.ts';

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
