import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmod, link, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { errorOf, mlops, mustRun, type Finished } from '../support/binary.ts';
import {
  copyRepository,
  observed,
  PRODUCTION,
  SECRETS,
  secretSource,
  sharedRepository,
  type FaultRepository,
} from '../support/fault-repository.ts';
import { memoryOfSparse, saveManyFiles } from '../support/fault-sizes.ts';
import { findPoints, leakedTo } from '../support/fault-sweep.ts';
import { violations } from '../support/invariants.ts';
import { straceProblem, traceMlops, until } from '../support/strace.ts';
import { processState } from '../support/fault-machine.ts';

const GIB = 1024 ** 3;
const shared = sharedRepository();

function run(repository: FaultRepository, ...argv: string[]): Promise<Finished> {
  return mlops(['--json', ...argv], { cwd: repository.root, env: repository.env });
}

/** Fails with this exit code and error, and nothing counts or is left over. */
async function expectRefused(
  repository: FaultRepository,
  argv: readonly string[],
  expected: { exit: number; code: string; says: RegExp },
): Promise<void> {
  const before = observed(repository);
  const outcome = await run(repository, ...argv);
  expect(outcome).toMatchObject({ code: expected.exit });
  expect(errorOf(outcome).code).toBe(expected.code);
  expect(errorOf(outcome).message).toMatch(expected.says);
  const after = observed(repository);
  expect(violations(after, { before, pointers: { [PRODUCTION]: ['v2'] } })).toEqual([]);
  expect([...after.documents.keys()]).toEqual([...before.documents.keys()]);
}

describe('many and large files', () => {
  test('2,000 files cost some tens of flushes, and come back the same (D1 scaled)', async (ctx) => {
    const repository = await copyRepository(shared());
    const { problems, flushes } = await saveManyFiles(repository, {
      count: 2000,
      countFlushes: straceProblem() === undefined,
    });
    expect(problems).toEqual([]);
    if (flushes === undefined) ctx.skip(`the flushes were not counted: ${straceProblem()}`);
    else expect(flushes).toBeLessThan(60);
  });

  test('1 GiB of holes is saved and restored in less than 300 MiB of memory (D2 scaled)', async (ctx) => {
    if (process.platform !== 'linux') ctx.skip('the peak memory of a process is read from /proc');
    const repository = await copyRepository(shared());
    const peaks = await memoryOfSparse(repository, GIB);
    expect(Math.max(...Object.values(peaks)), JSON.stringify(peaks)).toBeLessThan(300);
    expect(violations(observed(repository))).toEqual([]);
  });

  test.for([2 ** 53, 2 ** 63, -1, 1.5])('a record that says a size of %d is damaged (D3)', async (size) => {
    const repository = await copyRepository(shared());
    const path = join(repository.root, '.mlops/models/demo/versions/v1.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/"size": \d+/, `"size": ${size}`));
    expect(await run(repository, 'verify')).toMatchObject({ code: 3 });
    expect(await run(repository, 'load', 'demo@v1', '-o', 'out')).toMatchObject({ code: 3 });
  });
});

describe('names', () => {
  test.for([
    { what: 'letter case', names: ['Model.bin', 'model.bin'] },
    { what: 'composed and decomposed letters', names: ['caf\u00e9', 'cafe\u0301'] },
    { what: 'ß and ss', names: ['stra\u00dfe', 'strasse'] },
  ])('two that differ only in $what are refused unless it is allowed (D4)', async ({ names }, ctx) => {
    const repository = await copyRepository(shared());
    await mkdir(join(repository.root, 'names'));
    for (const name of names) await writeFile(join(repository.root, 'names', name), name);
    if ((await readdir(join(repository.root, 'names'))).length < 2)
      ctx.skip('this file system folds these names itself');
    await expectRefused(repository, ['save', 'demo', 'names'], {
      exit: 4,
      code: 'NAME_COLLISION',
      says: /are one name on some file systems/,
    });
    expect(await run(repository, 'save', 'demo', 'names', '--allow-collisions')).toMatchObject({ code: 0 });
    expect(await run(repository, 'load', 'demo', '-o', 'restored')).toMatchObject({ code: 0 });
    expect((await readdir(join(repository.root, 'restored'))).toSorted()).toEqual(names.toSorted());
  });

  test.for([
    { what: 'bytes that are no UTF-8', name: Buffer.from([0x61, 0xff, 0x62]), shown: 'a\\xffb' },
    { what: 'a lone surrogate', name: Buffer.from([0x61, 0xed, 0xa0, 0x80]), shown: 'a\\xed\\xa0\\x80' },
  ])('$what are refused with exit 2, and shown byte by byte (D5)', async ({ name, shown }, ctx) => {
    if (process.platform !== 'linux') ctx.skip('file systems of this platform refuse such names themselves');
    const repository = await copyRepository(shared());
    const before = observed(repository);
    const source = join(repository.scratch, 'names');
    mkdirSync(source);
    writeFileSync(Buffer.concat([Buffer.from(`${source}/`), name]), 'x');
    const outcome = await run(repository, 'save', 'demo', source);
    expect(outcome).toMatchObject({ code: 2 });
    expect(errorOf(outcome)).toMatchObject({
      code: 'NAME_NOT_UTF8',
      message: expect.stringContaining(shown),
    });
    expect(violations(observed(repository), { before })).toEqual([]);
  });

  test.for([
    'con',
    'nul.bin',
    'a:b',
    'a.',
    'a ',
    '-x',
    'x'.repeat(129),
    'a\u202eb',
    'a\nb',
    'a\u001b[31mb',
    '../x',
    '.git',
  ])('the model %j is refused with exit 2, and printed without its control characters (D6)', async (name) => {
    const repository = await copyRepository(shared());
    const before = observed(repository);
    const { code, stderr } = await mlops(['save', '--version', 'v1', '--', name, 'build'], {
      cwd: repository.root,
      env: repository.env,
    });
    expect(code).toBe(2);
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(violations(observed(repository), { before })).toEqual([]);
  });

  test('files inside an artifact may have any name that the file system takes, and are printed safely (D6)', async (ctx) => {
    if (process.platform !== 'linux') ctx.skip('other file systems refuse some of these names themselves');
    const repository = await copyRepository(shared());
    const names = [
      'con',
      'a:b',
      'trailing.',
      'trailing ',
      'line\nbreak',
      'red\u001b[31m',
      'x'.repeat(255),
      'right\u202eleft',
    ];
    await mkdir(join(repository.root, 'names'));
    for (const name of names) await writeFile(join(repository.root, 'names', name), name);
    const outcome = await mlops(['save', 'demo', 'names', '--version', 'v3'], {
      cwd: repository.root,
      env: repository.env,
    });
    expect(`${outcome.stdout}${outcome.stderr}`).not.toMatch(/\u001b|\u202e/);
    expect([0, 4]).toContain(outcome.code);
    if (outcome.code === 0) {
      expect(await run(repository, 'load', 'demo@v3', '-o', 'restored')).toMatchObject({ code: 0 });
      expect((await readdir(join(repository.root, 'restored'))).toSorted()).toEqual(names.toSorted());
    } else {
      expect(violations(observed(repository))).toEqual([]);
    }
  });
});

describe('what is no regular file is refused by name and never waited for (D7)', () => {
  const outside = '/etc/hosts';

  test.for([
    { what: 'a symbolic link to a file inside', make: (path: string) => symlink('plain.txt', path) },
    { what: 'a symbolic link to a file outside', make: (path: string) => symlink(outside, path) },
    { what: 'a symbolic link to its own directory', make: (path: string) => symlink('.', path) },
    { what: 'a symbolic link to nothing', make: (path: string) => symlink('nowhere', path) },
    { what: 'a FIFO', make: (path: string) => made('mkfifo', path) },
    { what: 'a socket', make: (path: string) => listening(path) },
    { what: 'a device', make: (path: string) => made('mknod', path, 'c', '1', '3') },
  ])('$what', async ({ what, make }, ctx) => {
    const repository = await copyRepository(shared());
    await mkdir(join(repository.root, 'kinds'));
    await writeFile(join(repository.root, 'kinds/plain.txt'), 'plain');
    const problem = await make(join(repository.root, 'kinds/odd'));
    if (typeof problem === 'string') ctx.skip(problem);
    const entry = join(repository.root, 'kinds/odd');
    for (const source of ['kinds', entry]) {
      const outcome = await run(repository, 'save', 'demo', source);
      // A source that leads nowhere is simply missing.
      if (what.endsWith('nothing') && source === entry) {
        expect(errorOf(outcome)).toMatchObject({ code: 'SOURCE_MISSING', exitCode: 2 });
        continue;
      }
      expect(outcome).toMatchObject({ code: 4 });
      expect(errorOf(outcome)).toMatchObject({
        code: 'UNSAFE_ENTRY',
        message: expect.stringContaining('odd'),
      });
    }
    expect(violations(observed(repository), { pointers: { [PRODUCTION]: ['v2'] } })).toEqual([]);
  });

  test('a hard link is a file like any other', async () => {
    const repository = await copyRepository(shared());
    await mkdir(join(repository.root, 'kinds'));
    await writeFile(join(repository.root, 'kinds/one'), 'same bytes');
    await link(join(repository.root, 'kinds/one'), join(repository.root, 'kinds/two'));
    expect(await run(repository, 'save', 'demo', 'kinds')).toMatchObject({ code: 0 });
    expect(await run(repository, 'load', 'demo', '-o', 'restored')).toMatchObject({ code: 0 });
    expect((await stat(join(repository.root, 'restored/two'))).nlink).toBe(1);
  });

  test.for([
    'models/demo/versions/x.json',
    'models/demo/stages/staging.json',
    'models/demo/events/x.json',
    'config.json',
    'tmp/lock',
  ])('a FIFO in the place of .mlops/%s blocks nobody', async (path, ctx) => {
    const repository = await copyRepository(shared());
    const place = join(repository.root, '.mlops', path);
    spawnSync('rm', ['-f', place]);
    const problem = made('mkfifo', place);
    if (problem !== undefined) ctx.skip(problem);
    const env = { ...repository.env, MLOPS_LOCK_TIMEOUT: '0' };
    for (const argv of [['list', 'demo'], ['verify'], ['promote', 'demo@v1']]) {
      const { code } = await mlops(argv, { cwd: repository.root, env, timeout: 20_000 });
      expect([0, 3, 4, 5]).toContain(code);
    }
  });
});

function made(program: string, path: string, ...rest: string[]): string | undefined {
  const args = program === 'mknod' ? [path, ...rest] : [path];
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? undefined : `${program} is refused here: ${error?.message ?? stderr.trim()}`;
}

async function listening(path: string): Promise<string | undefined> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return new Promise((done) => {
    server.once('error', (error) => done(`a socket is refused here: ${error.message}`));
    server.listen(path, () => done(undefined));
  });
}

describe('.mlops that leads elsewhere (D8)', () => {
  test.for(['.', 'models', 'models/demo/stages', 'cache', 'cache/packs', 'tmp'])(
    '.mlops/%s as a symbolic link: exit 4, nothing written there',
    async (path) => {
      const repository = await copyRepository(shared());
      const place = join(repository.root, '.mlops', path);
      const elsewhere = join(repository.scratch, 'elsewhere');
      await mkdir(join(place), { recursive: true });
      renameSync(place, elsewhere);
      symlinkSync(elsewhere, place.replace(/\/\.$/, ''));
      const before = await treeOf(elsewhere);
      for (const argv of [
        ['save', 'demo', 'build', '--version', 'v3'],
        ['promote', 'demo@v1'],
      ]) {
        expect(await run(repository, ...argv)).toMatchObject({ code: 4 });
      }
      expect(await treeOf(elsewhere)).toEqual(before);
    },
  );

  test.for([
    { at: 'its first write', argv: ['save', 'demo', 'build', '--version', 'v3'], place: /cache\/packs/ },
    { at: 'its event', argv: ['promote', 'demo@v1'], place: /tmp\/\.tmp$/ },
  ])('swapped for a link before $at: exit 4 or 5, nothing written there', async ({ argv, place }, ctx) => {
    const problem = straceProblem();
    if (problem !== undefined) ctx.skip(problem);
    const points = await findPoints(shared(), { argv });
    const point = points.find(
      (each) => each.thread === 'pool' && each.call === 'openat' && place.test(each.place),
    );
    const repository = await copyRepository(shared());
    const { root, env, scratch } = repository;
    let pid = 0;
    const inject = { call: 'openat', when: String(point?.index), fault: { signal: 'SIGSTOP' } as const };
    const traced = traceMlops(['--json', ...argv], {
      thread: 'pool',
      scratch,
      cwd: root,
      env,
      inject,
      onStart: (started) => (pid = started),
    });
    await until(() => pid !== 0 && /[tT]/.test(processState(pid) ?? ''), 'the program is stopped');
    const elsewhere = join(repository.scratch, 'elsewhere');
    mkdirSync(join(elsewhere, 'models'), { recursive: true });
    renameSync(join(root, '.mlops'), join(scratch, 'moved'));
    symlinkSync(elsewhere, join(root, '.mlops'));
    process.kill(pid, 'SIGCONT');
    expect([4, 5, 6]).toContain((await traced).code);
    expect(await treeOf(elsewhere)).toEqual(['models']);
  });
});

async function treeOf(directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).toSorted();
}

describe('modes (D9)', () => {
  test('the executable bit is kept, setuid is not, objects are read-only, under any umask', async () => {
    const repository = await copyRepository(shared());
    const { root, env } = repository;
    await mkdir(join(root, 'modes'));
    await writeFile(join(root, 'modes/run.sh'), '#!/bin/sh\n');
    await writeFile(join(root, 'modes/data'), 'data');
    chmodSync(join(root, 'modes/run.sh'), 0o4755);
    await chmod(join(root, 'modes/data'), 0o600);
    const through = ['sh', '-c', 'umask 077 && exec "$@"', 'sh'];
    await mustRun(['save', 'demo', 'modes', '--version', 'v3'], { cwd: root, env, through });
    await mustRun(['load', 'demo@v3', '-o', 'restored'], { cwd: root, env, through });
    expect(statSync(join(root, 'restored/run.sh')).mode & 0o7777).toBe(0o700);
    expect(statSync(join(root, 'restored/data')).mode & 0o7777).toBe(0o600);
    for (const path of observed(repository).objects.keys()) {
      expect(statSync(join(root, '.mlops/cache', path)).mode & 0o333, path).toBe(0);
    }
    expect(statSync(join(root, '.mlops/models/demo/versions/v3.json')).mode & 0o077).toBe(0);
  });

  test('in a directory that a group shares, what is written can be read by the group', async () => {
    const repository = await copyRepository(shared());
    const { root, env } = repository;
    const through = ['sh', '-c', 'umask 002 && exec "$@"', 'sh'];
    await mustRun(['save', 'demo', 'build', '--version', 'v3'], { cwd: root, env, through });
    expect(statSync(join(root, '.mlops/models/demo/versions/v3.json')).mode & 0o777).toBe(0o644);
    for (const path of observed(repository).objects.keys()) {
      expect(statSync(join(root, '.mlops/cache', path)).mode & 0o777, path).toBe(0o444);
    }
  });
});

test('secrets in the environment, in the URL of the remote and in a path are written nowhere (I9)', async () => {
  const repository = await copyRepository(shared());
  const { root, env } = repository;
  const source = await secretSource(repository.scratch, Buffer.from('a model'));
  const before = observed(repository);
  const outcomes: Finished[] = [];
  for (const argv of [
    ['save', 'demo', source, '--version', 'v3'],
    ['show', 'demo@v3'],
    ['promote', 'demo@v3', '--reason', 'test'],
    ['rollback', 'demo', '--reason', 'test'],
    ['doctor'],
    ['--json', 'history'],
    ['config', 'list'],
  ]) {
    outcomes.push(await mlops(argv, { cwd: root, env }));
  }
  expect(outcomes.map(({ code, stderr }) => `${code} ${code === 0 ? '' : stderr}`)).toEqual(
    outcomes.map(() => '0 '),
  );
  expect(outcomes.flatMap(leakedTo)).toEqual([]);
  expect(violations(observed(repository), { before, secrets: Object.values(SECRETS) })).toEqual([]);
});
