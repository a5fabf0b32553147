import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { decodeStatIndex, encodeStatIndex, racyFlags } from '../../src/storage/stat-index.ts';
import { listFiles, noise, writeTree } from './support/scratch.ts';
import { objectPaths, workspace, type Workspace } from './support/workspace.ts';

const OLD = new Date('2020-01-01T00:00:00Z');

/** Makes what the stat index remembers of every file look old enough to be trusted. */
function ageIndex({ indexFiles }: Workspace): void {
  for (const name of indexFiles.list('stat')) {
    const index = decodeStatIndex(indexFiles.read(`stat/${name}`) ?? Buffer.alloc(0));
    if (index === undefined) throw new Error('no index');
    indexFiles.write(`stat/${name}`, encodeStatIndex({ ...index, racy: new Uint8Array(index.racy.length) }));
  }
}

describe('names and kinds of entries', () => {
  test.each([
    ['Model.bin', 'model.bin'],
    ['caf\u00e9', 'cafe\u0301'],
    ['stra\u00dfe', 'strasse'],
  ])('%j beside %j needs --allow-collisions', async (first, second) => {
    const { root, store } = workspace();
    writeTree(join(root, 'data'), { [first]: '1', [second]: '2' });
    await expect(store.store('data')).rejects.toMatchObject({
      code: 'NAME_COLLISION',
      exitCode: 4,
      hint: expect.stringContaining('--allow-collisions'),
    });
    expect((await store.store('data', { allowCollisions: true })).files).toBe(2);
  });

  test.each(['con', 'nul.bin', 'ab:c', 'dot.', 'space ', 'new\nline'])('%j is not portable', async (name) => {
    const { root, store } = workspace();
    writeTree(join(root, 'data'), { [name]: '1' });
    await expect(store.store('data')).rejects.toMatchObject({ code: 'NAME_NOT_PORTABLE', exitCode: 4 });
    expect((await store.store('data', { allowCollisions: true })).files).toBe(1);
  });

  test('a backslash is refused whatever is allowed', async () => {
    const { root, store } = workspace();
    writeTree(join(root, 'data'), { 'a\\b': '1' });
    await expect(store.store('data', { allowCollisions: true })).rejects.toMatchObject({
      code: 'UNSAFE_PATH',
    });
  });

  test('a name that is not UTF-8 is named by its bytes', async (ctx) => {
    const { root, store } = workspace();
    mkdirSync(join(root, 'data'));
    try {
      writeFileSync(Buffer.concat([Buffer.from(join(root, 'data/bad-')), Buffer.from([0xff])]), 'x');
    } catch {
      return ctx.skip('this file system takes UTF-8 names only');
    }
    await expect(store.store('data')).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('\\xff'),
    });
  });

  test('a FIFO is refused and never opened', async (ctx) => {
    const { root, store } = workspace();
    mkdirSync(join(root, 'data'));
    try {
      execFileSync('mkfifo', [join(root, 'data/pipe')]);
    } catch {
      return ctx.skip('mkfifo is not available');
    }
    await expect(store.store('data')).rejects.toMatchObject({
      code: 'UNSAFE_ENTRY',
      message: expect.stringContaining('FIFO'),
    });
    await expect(store.store('data/pipe')).rejects.toMatchObject({ code: 'UNSAFE_ENTRY' });
  });

  test('a socket is refused', async () => {
    const { root, store } = workspace();
    mkdirSync(join(root, 'data'));
    const server = createServer().listen(join(root, 'data/s'));
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    await expect(store.store('data')).rejects.toMatchObject({ message: expect.stringContaining('socket') });
  });

  test.each(['.git', '.mlops', 'sub/.GIT'])('%s inside a source is refused', async (name) => {
    const { root, store } = workspace();
    writeTree(join(root, 'data'), { [`${name}/config`]: 'x' });
    await expect(store.store('data')).rejects.toMatchObject({ code: 'UNSAFE_ENTRY', exitCode: 4 });
  });

  test.each(['.git', '.git/config', '.mlops', '.mlops/cache', 'nested/.Git/config', 'link/config'])(
    'the source %s is refused, since it is not a model and may hold passwords',
    async (source) => {
      const space = workspace();
      const { root, store } = space;
      writeTree(root, {
        '.git/config': 'url = https://user:secret@host',
        '.mlops/cache/packs/x': 'x',
        'nested/.Git/config': 'x',
      });
      symlinkSync('.git', join(root, 'link'));
      const before = objectPaths(space, 'packs');
      await expect(store.store(source)).rejects.toMatchObject({
        code: 'UNSAFE_ENTRY',
        exitCode: 4,
        hint: expect.stringContaining('copy what you want'),
      });
      await expect(store.digest(source)).rejects.toMatchObject({ code: 'UNSAFE_ENTRY' });
      expect(objectPaths(space, 'packs')).toEqual(before);
    },
  );

  test("a source whose name only starts or ends like Git's directory is stored", async () => {
    const { root, store } = workspace();
    writeTree(root, { 'model.git/a': '1', '.gitlab/b': '2' });
    expect((await store.store('model.git')).files).toBe(1);
    expect((await store.store('.gitlab')).files).toBe(1);
  });

  test.each(['inside', 'outside', 'loop', 'dangling'])('a symbolic link (%s) is refused', async (kind) => {
    const { root, store } = workspace();
    writeTree(join(root, 'data'), { a: '1' });
    const targets: Record<string, string> = {
      inside: 'a',
      outside: '/etc/hostname',
      loop: 'link',
      dangling: 'nothing',
    };
    symlinkSync(targets[kind] ?? '', join(root, 'data/link'));
    await expect(store.store('data')).rejects.toMatchObject({ code: 'UNSAFE_ENTRY', exitCode: 4 });
  });

  test('empty directories are counted in a warning, also when nothing changed since', async () => {
    const { root, store, warnings } = workspace();
    writeTree(join(root, 'data'), { 'sub/a': '1' });
    await store.store('data');
    expect(warnings).toEqual([]);
    mkdirSync(join(root, 'data/empty'));
    await store.store('data');
    expect(warnings).toEqual([expect.stringContaining('data: 1 empty directory is not kept')]);
    mkdirSync(join(root, 'data/sub/outer/inner'), { recursive: true });
    await store.store('data');
    expect(warnings[1]).toContain('2 empty directories are not kept');
    await store.digest('data');
    expect(warnings).toHaveLength(2);
  });

  test.each(['data', 'data/inner'])('a directory without files is a usage error (%s)', async (empty) => {
    const space = workspace();
    mkdirSync(join(space.root, empty), { recursive: true });
    await expect(space.store.store('data')).rejects.toMatchObject({ code: 'SOURCE_EMPTY', exitCode: 2 });
    expect(objectPaths(space, 'manifests')).toEqual([]);
    expect(space.warnings).toEqual([]);
  });

  test('nothing there is a usage error', async () => {
    const { store } = workspace();
    await expect(store.store('absent')).rejects.toMatchObject({ code: 'SOURCE_MISSING', exitCode: 2 });
  });

  test('setuid is dropped, the executable bit is kept', async () => {
    const { root, store } = workspace();
    writeTree(join(root, 'data'), { tool: '#!/bin/sh\n' });
    chmodSync(join(root, 'data/tool'), 0o4755);
    const { digest } = await store.store('data');
    await store.restore(digest, 'out');
    expect(statSync(join(root, 'out/tool')).mode & 0o7100).toBe(0o100);
  });
});

describe('a source that changes while it is read', () => {
  test.each([
    ['grows', (path: string) => appendFileSync(path, 'x')],
    ['shrinks', (path: string) => writeFileSync(path, noise(100))],
    ['is rewritten', (path: string) => writeFileSync(path, noise(9_000_000, 4))],
    [
      'is replaced',
      (path: string) => (writeFileSync(`${path}.new`, noise(9_000_000, 4)), renameSync(`${path}.new`, path)),
    ],
    ['goes away', (path: string) => rmSync(path)],
  ])('is noticed when it %s', async (_, change) => {
    const space = workspace();
    const path = join(space.root, 'data/b.bin');
    writeTree(join(space.root, 'data'), { 'a.bin': noise(2_000_000, 3), 'b.bin': noise(9_000_000, 4) });
    let changed = false;
    const onProgress = ({ bytes }: { bytes: number }): void => {
      if (changed || bytes < 1_000_000) return;
      changed = true;
      change(path);
    };
    await expect(space.store.store('data', { onProgress })).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      exitCode: 3,
    });
    expect(objectPaths(space, 'manifests')).toEqual([]);
    expect(objectPaths(space, 'packs')).toEqual([]);
  });
});

test('an abort in the middle leaves no temporaries', async () => {
  const space = workspace();
  writeTree(join(space.root, 'data'), { 'a.bin': noise(30_000_000) });
  const controller = new AbortController();
  const onProgress = ({ bytes }: { bytes: number }): void => {
    if (bytes > 20_000_000) controller.abort();
  };
  await expect(space.store.store('data', { signal: controller.signal, onProgress })).rejects.toMatchObject({
    exitCode: 130,
  });
  expect(listFiles(space.cache)).toEqual([]);
});

describe('the stat index', () => {
  test.each([
    ['the only file', {}],
    ['one of several', { old: 'old', 'large.bin': noise(600_000, 1) }],
  ])(
    '%s that is as young as the clock is not trusted, though nothing shows that it changed',
    async (_what, others) => {
      const space = workspace();
      const data = join(space.root, 'data');
      writeTree(data, { a: 'one', ...others });
      const first = await space.store.store('data');
      writeFileSync(join(data, 'a'), 'two');
      // A clock that ticks so seldom that both states of the file have the same times: what is remembered of the first looks like the second.
      const other = workspace();
      await other.store.store(data);
      const [name = ''] = space.indexFiles.list('stat');
      const [remembered, now] = [space, other].map(({ indexFiles }) =>
        decodeStatIndex(indexFiles.read(`stat/${name}`) ?? Buffer.alloc(0)),
      );
      if (remembered === undefined || now === undefined) throw new Error('no index');
      space.indexFiles.write(`stat/${name}`, encodeStatIndex({ ...remembered, stamps: now.stamps }));
      expect((await space.store.digest('data')).digest).not.toBe(first.digest);
      expect((await space.store.store('data')).digest).not.toBe(first.digest);
    },
  );

  test('files whose times lie less than two seconds before the look are young, whichever time it is', () => {
    const clock = 1_000_000;
    const stamp = (mtimeMs: number, ctimeMs: number): number[] => [1, mtimeMs, ctimeMs, 7];
    const old = clock - 2001;
    const numbers = Float64Array.from([
      ...stamp(old, old),
      ...stamp(clock - 1999, old),
      ...stamp(old, clock - 1999),
      ...stamp(clock + 5000, old),
    ]);
    const paths = ['old', 'written', 'changed', 'of a clock that is ahead'];
    expect([...racyFlags({ paths, numbers, executable: new Uint8Array(4) }, clock)]).toEqual([0, 1, 1, 1]);
  });

  test('spares reading an old, unchanged source, and each old, unchanged file of a changed one', async () => {
    const space = workspace();
    writeTree(join(space.root, 'data'), { a: noise(600_000, 1), b: noise(1000, 2) });
    await space.store.store('data');
    ageIndex(space);
    chmodSync(join(space.root, 'data'), 0o755);
    const again = await space.store.store('data');
    expect(again.blobs).toEqual({ total: 2, new: 0, newBytes: 0, storedBytes: 0 });
    expect(again.manifest.files.map(({ path }) => path)).toEqual(['a', 'b']);
    writeFileSync(join(space.root, 'data/b'), 'changed');
    const third = await space.store.store('data');
    expect(third.blobs).toMatchObject({ new: 1, newBytes: 7 });
    expect((await space.store.digest('data')).digest).toBe(third.digest);
  });

  test('gives the same answer as no index at all', async () => {
    const space = workspace();
    writeTree(join(space.root, 'data'), { a: '1', 'b/c': '2' });
    await space.store.store('data');
    ageIndex(space);
    const changes: [string, () => void][] = [
      ['added', () => writeTree(join(space.root, 'data'), { 'b/d': '3' })],
      ['removed', () => rmSync(join(space.root, 'data/a'))],
      ['renamed', () => renameSync(join(space.root, 'data/b/c'), join(space.root, 'data/b/e'))],
      ['executable', () => chmodSync(join(space.root, 'data/b/d'), 0o755)],
      [
        'same size, old time',
        () => (
          writeFileSync(join(space.root, 'data/b/e'), '9'),
          utimesSync(join(space.root, 'data/b/e'), OLD, OLD)
        ),
      ],
    ];
    for (const [, change] of changes) {
      change();
      const fresh = workspace();
      const expected = await fresh.store.store(join(space.root, 'data'));
      expect((await space.store.digest('data')).digest).toBe(expected.digest);
      expect((await space.store.store('data')).digest).toBe(expected.digest);
      ageIndex(space);
    }
  });

  test('a flipped byte anywhere makes it absent', () => {
    const bytes = encodeStatIndex({
      manifest: 'a'.repeat(64),
      kind: 'directory',
      blobs: 1,
      size: 1,
      packs: [{ name: 'b'.repeat(64), size: 9 }],
      stamps: Buffer.concat([Buffer.from(new Float64Array([1]).buffer), Buffer.alloc(33), Buffer.from('a')]),
      racy: new Uint8Array(1),
    });
    expect(decodeStatIndex(bytes)).toMatchObject({ manifest: 'a'.repeat(64), size: 1 });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed.writeUInt8((changed.readUInt8(at) ^ change) & 255, at);
        expect(decodeStatIndex(changed)).toBeUndefined();
        expect(decodeStatIndex(bytes.subarray(0, at))).toBeUndefined();
      }),
    );
  });
});

describe('what a second version costs', () => {
  test('an edit of 1 % in one place of a large file stores at most 3 %', async () => {
    const { root, store } = workspace();
    const bytes = noise(100_000_000, 8);
    writeFileSync(join(root, 'w.bin'), bytes);
    await store.store('w.bin');
    noise(1_000_000, 77).copy(bytes, 40_000_000);
    writeFileSync(join(root, 'w.bin'), bytes);
    expect((await store.store('w.bin')).blobs.newBytes).toBeLessThanOrEqual(0.03 * bytes.length);
  });

  test('new files among many store only themselves', async () => {
    const { root, store } = workspace();
    const many = Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [`d${index % 20}/f${index}`, `content ${index}`]),
    );
    writeTree(join(root, 'data'), many);
    await store.store('data');
    const extra = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`d${index % 20}/new${index}`, `new ${index}`]),
    );
    writeTree(join(root, 'data'), extra);
    const { blobs } = await store.store('data');
    expect(blobs).toMatchObject({ total: 2100, new: 100 });
  });
});

test('random trees come back as they were', async () => {
  const names = fc.stringMatching(/^[a-z][a-z0-9]{0,3}(?:\/x[a-z0-9]{0,3}){0,2}$/);
  const sizes = fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 3000 }),
    fc.integer({ min: 500_000, max: 2_500_000 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(names, sizes, { minKeys: 1, maxKeys: 8 }),
      fc.nat(1000),
      async (tree, seed) => {
        const { root, store } = workspace();
        const files: Record<string, Buffer> = {};
        for (const [path, size] of Object.entries(tree)) {
          const clash = Object.keys(files).some(
            (other) => other.startsWith(`${path}/`) || path.startsWith(`${other}/`),
          );
          if (!clash) files[path] = noise(size, seed + size);
        }
        writeTree(join(root, 'data'), files);
        const { digest } = await store.store('data');
        await store.restore(digest, 'out');
        expect(listFiles(join(root, 'out'))).toEqual(Object.keys(files).toSorted());
        for (const [path, bytes] of Object.entries(files)) {
          const other = workspace();
          expect((await other.store.digest(join(root, 'out', path))).size).toBe(bytes.length);
        }
        expect((await store.digest('out')).digest).toBe(digest);
        await store.verifyArtifact(digest);
      },
    ),
    { numRuns: 12 },
  );
});
