import { existsSync } from 'node:fs';
import { chmod, readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorOf, mlops, mustRun, type Finished } from '../support/binary.ts';
import {
  copyRepository,
  observed,
  sharedRepository,
  type FaultRepository,
} from '../support/fault-repository.ts';

const shared = sharedRepository();

interface Verification {
  damage: { kind: string; path: string; problem: string }[];
}

function run(repository: FaultRepository, ...argv: string[]): Promise<Finished> {
  return mlops(['--json', ...argv], { cwd: repository.root, env: repository.env });
}

async function damageOf(repository: FaultRepository, ...argv: string[]): Promise<Verification['damage']> {
  const { stdout } = await run(repository, 'verify', ...argv);
  return (JSON.parse(stdout) as { data: Verification }).data.damage;
}

/** Flips one bit as a failing disk would: size, mode and times stay as they were. */
async function flipBit(path: string, at = 0.5): Promise<void> {
  const bytes = await readFile(path);
  const { atime, mtime } = await stat(path);
  const position = Math.floor(bytes.length * at);
  bytes[position] = (bytes[position] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
  await utimes(path, atime, mtime);
  if (path.includes('/cache/')) await chmod(path, 0o444);
}

/** The shared repository and a model `other` that no damage of `demo` may touch. */
async function withOther(): Promise<FaultRepository> {
  const repository = await copyRepository(shared());
  await writeFile(join(repository.root, 'other.txt'), 'another model\n');
  await mustRun(['save', 'other', 'other.txt', '--version', 'o1'], {
    cwd: repository.root,
    env: repository.env,
  });
  await mustRun(['promote', 'other@o1'], { cwd: repository.root, env: repository.env });
  return repository;
}

async function pathsBelow(
  repository: FaultRepository,
  directory: string,
  pattern: RegExp,
): Promise<string[]> {
  const top = join(repository.root, '.mlops', directory);
  const names = await readdir(top, { recursive: true });
  return names.filter((name) => pattern.test(name)).map((name) => join(top, name));
}

async function largest(paths: readonly string[]): Promise<string> {
  const sizes = await Promise.all(paths.map(async (path) => ({ path, size: (await stat(path)).size })));
  return sizes.toSorted((first, second) => second.size - first.size)[0]?.path ?? '';
}

describe('one flipped bit in each kind of file (B1)', () => {
  test.for([
    { kind: 'pack', directory: 'cache/packs', pattern: /[0-9a-f]{64}$/, argv: ['--deep'] },
    { kind: 'manifest', directory: 'cache/manifests', pattern: /[0-9a-f]{64}$/, argv: [] },
    { kind: 'record', directory: 'models/demo/versions', pattern: /v1\.json$/, argv: [] },
    { kind: 'stage', directory: 'models/demo/stages', pattern: /production\.json$/, argv: [] },
    { kind: 'event', directory: 'models/demo/events', pattern: /-saved-/, argv: [] },
    { kind: 'event', directory: 'models/demo/events', pattern: /-promoted-/, argv: [] },
  ])(
    '$kind: verify is exit 3 and names it, other models are still usable',
    async ({ kind, directory, pattern, argv }) => {
      const repository = await withOther();
      const damaged = await largest(await pathsBelow(repository, directory, pattern));
      await flipBit(damaged);
      expect(await run(repository, 'verify', ...argv)).toMatchObject({ code: 3 });
      const found = await damageOf(repository, ...argv);
      expect(found.map(({ path }) => join(repository.root, path))).toContain(damaged);
      expect(found.map((damage) => damage.kind)).toContain(kind);
      const listed = JSON.parse((await run(repository, 'list')).stdout) as { data: { models: object[] } };
      expect(listed.data.models).toContainEqual(
        expect.objectContaining({ model: 'other', versions: 1, latest: 'o1', stages: { production: 'o1' } }),
      );
      expect(await run(repository, 'list', 'other')).toMatchObject({ code: 0 });
      expect(await run(repository, 'show', 'other@production')).toMatchObject({ code: 0 });
      expect(await run(repository, 'load', 'other', '-o', 'restored')).toMatchObject({ code: 0 });
      expect(await run(repository, 'save', 'other', 'README.md')).toMatchObject({ code: 0 });
    },
  );
});

test('the parts of `verify --sample` together find a damaged pack exactly once (B2)', async () => {
  const repository = await withOther();
  const damaged = await largest(await pathsBelow(repository, 'cache/packs', /[0-9a-f]{64}$/));
  await flipBit(damaged);
  const found = await Promise.all(
    [1, 2, 3, 4, 5].map((part) => damageOf(repository, '--sample', `${part}/5`)),
  );
  const packs = found.flat().filter(({ kind }) => kind === 'pack' || kind === 'blob');
  expect(new Set(packs.map(({ path }) => join(repository.root, path)))).toEqual(new Set([damaged]));
  expect(
    found.filter((part) => part.some(({ path }) => join(repository.root, path) === damaged)),
  ).toHaveLength(1);
});

describe('what a newer version wrote is not damage (B5)', () => {
  test('an unknown member of a document is kept and ignored', async () => {
    const repository = await withOther();
    const path = join(repository.root, '.mlops/models/demo/model.json');
    const text = '{\n  "fromTheFuture": { "a": 1 },\n  "model": "demo",\n  "schema": "mlops.model/1"\n}\n';
    await writeFile(path, text);
    expect(await run(repository, 'verify', '--deep')).toMatchObject({ code: 0 });
    expect(await run(repository, 'save', 'demo', 'build', '--version', 'v3')).toMatchObject({ code: 0 });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test.for([
    {
      what: 'a newer format',
      format: { requiredFeatures: [], schema: 'mlops.format/1', version: 2 },
      reads: 2,
    },
    {
      what: 'an unknown feature',
      format: { requiredFeatures: ['signatures'], schema: 'mlops.format/1', version: 1 },
      reads: 0,
    },
  ])('$what: writing is refused with exit 2 and nothing is touched', async ({ format, reads }) => {
    const repository = await withOther();
    await writeFile(join(repository.root, '.mlops/format.json'), `${JSON.stringify(format, null, 2)}\n`);
    const before = observed(repository);
    for (const argv of [
      ['save', 'demo', 'build'],
      ['promote', 'demo@v1'],
      ['rollback', 'demo', '--reason', 'x'],
      ['delete', 'demo@v1', '--reason', 'x'],
    ]) {
      const outcome = await run(repository, ...argv);
      expect(outcome).toMatchObject({ code: 2 });
      expect(errorOf(outcome).code).toBe('FORMAT_UNSUPPORTED');
    }
    expect(await run(repository, 'list')).toMatchObject({ code: reads });
    const after = observed(repository);
    expect([...after.documents]).toEqual([...before.documents]);
  });
});

describe('an object that rotted, with mode and times as they were, is never served (B7)', () => {
  test.for([
    ['load', 'demo@v2', '-o', 'restored'],
    ['promote', 'demo@v2', '--to', 'staging'],
    ['rollback', 'demo', '--to', 'v1', '--reason', 'test'],
    ['export', 'demo@v2', '-o', 'bundle.tar.gz'],
  ])('%s', async (argv) => {
    const repository = await withOther();
    await flipBit(await largest(await pathsBelow(repository, 'cache/packs', /[0-9a-f]{64}$/)), 0.4);
    const before = observed(repository);
    const outcome = await run(repository, ...argv);
    expect(outcome).toMatchObject({ code: 3 });
    expect(errorOf(outcome).code).toMatch(/^OBJECT_/);
    const after = observed(repository);
    expect([...after.documents]).toEqual([...before.documents]);
    expect([...after.outside]).toEqual([...before.outside]);
    expect(after.leftovers).toEqual([]);
  });

  test('load moves the pack to quarantine and keeps what is good in it (B3 without a remote)', async () => {
    const repository = await withOther();
    const damaged = await largest(await pathsBelow(repository, 'cache/packs', /[0-9a-f]{64}$/));
    await flipBit(damaged, 0.4);
    const outcome = await run(repository, 'load', 'demo@v2', '-o', 'restored');
    expect(outcome.stderr).toMatch(/quarantine/);
    expect(existsSync(damaged)).toBe(false);
    expect(await pathsBelow(repository, 'cache/quarantine', /reason\.json$/)).toHaveLength(1);
    expect(await run(repository, 'verify')).toMatchObject({ code: 3 });
    // The source is still there, so saving it again heals the store; nothing has to be registered for that.
    await writeFile(join(repository.root, 'build/config.json'), '{"trained": "v2"}\n');
    expect(await run(repository, 'save', 'demo', 'build', '--version', 'v2')).toMatchObject({ code: 0 });
    expect(await run(repository, 'load', 'demo@v2', '-o', 'restored')).toMatchObject({ code: 0 });
    expect(await run(repository, 'verify', '--deep')).toMatchObject({ code: 0 });
    expect(await readFile(join(repository.root, 'restored/weights.bin'))).toEqual(
      await readFile(join(repository.root, 'build/weights.bin')),
    );
  });
});
