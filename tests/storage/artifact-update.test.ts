import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConflictError, IntegrityError, RefusedError } from '../../src/errors.ts';
import { nextCut } from '../../src/storage/chunker.ts';
import { flipByte, listFiles, noise, scratchDirectory, writeTree } from './support/scratch.ts';
import { objectPaths, workspace, type Workspace } from './support/workspace.ts';

/** Every file below `data` with its content. */
function contentOf({ root }: Workspace, path = 'data'): Record<string, string> {
  const files = listFiles(join(root, path));
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(root, path, file), 'latin1')]));
}

/** Stores `data` as it is described; what was there before is gone. */
async function storeTree(space: Workspace, files: Record<string, string | Uint8Array>): Promise<string> {
  rmSync(join(space.root, 'data'), { recursive: true, force: true });
  writeTree(join(space.root, 'data'), files);
  return (await space.store.store('data')).digest;
}

async function failureOf(action: Promise<unknown>): Promise<unknown> {
  return action.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Nothing is left of what was built on the way. */
function expectNoLeftovers({ mlopsDir, root }: Workspace): void {
  const left = [root, join(mlopsDir, 'tmp')].flatMap((path) => (existsSync(path) ? readdirSync(path) : []));
  expect(left.filter((name) => name.startsWith('.tmp-'))).toEqual([]);
}

describe('update', () => {
  test('makes a directory hold another state, and back again', async () => {
    const space = workspace();
    const old = { 'a.csv': 'a', 'b/c.csv': 'c', 'b/d/e.csv': 'e', same: 'same' };
    const first = await storeTree(space, old);
    const next = { 'a.csv': 'A', 'f/g.csv': 'g', same: 'same' };
    const second = await storeTree(space, next);
    expect(await space.store.update(first, 'data')).toEqual({
      outcome: 'restored',
      written: 3,
      cloned: 0,
      removed: 1,
      bytes: 3,
    });
    expect(contentOf(space)).toEqual(old);
    await space.store.update(second, 'data');
    expect(contentOf(space)).toEqual(next);
    // Directories that lost their last file are gone with it.
    expect(readdirSync(join(space.root, 'data')).toSorted()).toEqual(['a.csv', 'f', 'same']);
    expect(await space.store.update(second, 'data')).toMatchObject({ outcome: 'unchanged', written: 0 });
    expectNoLeftovers(space);
  });

  test('leaves files that are as they should be alone', async () => {
    const space = workspace();
    const first = await storeTree(space, { changes: '1', stays: 'same' });
    writeFileSync(join(space.root, 'data/changes'), '2');
    await space.store.store('data');
    const before = statSync(join(space.root, 'data/stays'), { bigint: true });
    await space.store.update(first, 'data');
    const after = statSync(join(space.root, 'data/stays'), { bigint: true });
    expect([after.ino, after.mtimeNs, after.ctimeNs]).toEqual([before.ino, before.mtimeNs, before.ctimeNs]);
  });

  test('builds what is not there, with the directories above it', async () => {
    const space = workspace();
    const digest = await storeTree(space, { 'x/y': 'deep', 'run.sh': '#!/bin/sh\n' });
    expect(await space.store.update(digest, 'far/away/copy')).toMatchObject({ written: 2, removed: 0 });
    expect(contentOf(space, 'far/away/copy')).toEqual({ 'run.sh': '#!/bin/sh\n', 'x/y': 'deep' });
    expectNoLeftovers(space);
  });

  test('never overwrites or removes bytes that are saved nowhere, unless forced', async () => {
    const space = workspace();
    const first = await storeTree(space, { 'a.csv': 'old', 'b.csv': 'b' });
    await storeTree(space, { 'a.csv': 'new', 'b.csv': 'b' });
    writeFileSync(join(space.root, 'data/b.csv'), 'mine');
    writeFileSync(join(space.root, 'data/notes.txt'), 'mine too');
    const before = contentOf(space);
    const error = await failureOf(space.store.update(first, 'data'));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({ code: 'LOCAL_CHANGES' });
    expect(String(error)).toContain('data/b.csv, data/notes.txt: changed here and saved nowhere');
    expect(contentOf(space)).toEqual(before);
    await space.store.update(first, 'data', { force: true });
    expect(contentOf(space)).toEqual({ 'a.csv': 'old', 'b.csv': 'b' });
  });

  test('takes the blobs of a file for saved only when a manifest lists the file', async () => {
    const space = workspace();
    const big = noise(9_000_000);
    const whole = await storeTree(space, { big });
    const other = await storeTree(space, { big: 'small' });
    // Without its last piece the file consists of stored blobs, and yet no state of the past ends there.
    let cut = 0;
    for (let next = 0; next < big.length; next = nextCut(big, next, true)) cut = next;
    writeTree(join(space.root, 'data'), { big: big.subarray(0, cut) });
    const { files } = await (await space.store.examine('data')).manifest();
    const known = (await space.store.manifest(whole)).files[0]?.blobs ?? [];
    expect(known.length).toBeGreaterThan(3);
    expect(files[0]?.blobs).toEqual(known.slice(0, -1));
    expect(await failureOf(space.store.update(other, 'data'))).toMatchObject({ code: 'LOCAL_CHANGES' });
    writeTree(join(space.root, 'data'), { big });
    expect(await space.store.update(other, 'data')).toMatchObject({ outcome: 'restored', written: 1 });
  });

  test('keeps files of which the stored copy is damaged, and stores them again when asked', async () => {
    const space = workspace();
    const first = await storeTree(space, { a: 'old', b: 'b', c: noise(200_000, 3) });
    const before = new Set(objectPaths(space, 'packs'));
    const second = await storeTree(space, { a: noise(300_000, 4), b: 'b', c: noise(200_000, 5), d: 'd' });
    const [pack = '', ...others] = objectPaths(space, 'packs').filter((path) => !before.has(path));
    expect(others).toEqual([]);
    const bytes = readFileSync(pack);
    const inA = bytes.indexOf(noise(300_000, 4).subarray(1000, 1064));
    expect(inA).toBeGreaterThan(0);
    flipByte(pack, bytes, inA);
    const there = contentOf(space);
    const error = await failureOf(space.store.update(first, 'data'));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({
      code: 'LOCAL_CHANGES',
      hint: expect.stringContaining('mlops data add data'),
    });
    expect(String(error)).toMatch(/: data\/a: the stored copy is damaged/);
    expect(contentOf(space)).toEqual(there);
    // The pack is out of the way, its good blobs are not lost, and the bytes are not taken for stored any more.
    expect(space.warnings.join()).toContain('2 good blobs of it were kept');
    expect(await failureOf(space.store.update(first, 'data'))).toMatchObject({ code: 'LOCAL_CHANGES' });
    expect((await space.store.store('data')).digest).toBe(second);
    expect(await space.store.update(first, 'data')).toMatchObject({ outcome: 'restored' });
    await space.store.update(second, 'data');
    expect(contentOf(space)).toEqual(there);
  });

  test('drops files of which the stored copy is damaged when forced, and does not look at files that stay', async () => {
    const space = workspace();
    const first = await storeTree(space, { a: 'old', b: 'b' });
    const before = new Set(objectPaths(space, 'packs'));
    // Large enough to be taken from where it is.
    const same = noise(600_000, 6);
    await storeTree(space, { a: 'new', b: same });
    const third = await storeTree(space, { a: 'old', moved: same });
    await storeTree(space, { a: 'new', b: same });
    const [pack = ''] = objectPaths(space, 'packs').filter((path) => !before.has(path));
    const bytes = readFileSync(pack);
    flipByte(pack, bytes, bytes.indexOf(same.subarray(0, 64)));
    // Its bytes go on under another name.
    expect(await space.store.update(third, 'data')).toMatchObject({ written: 2, removed: 1 });
    expect(await failureOf(space.store.update(first, 'data'))).toMatchObject({ code: 'LOCAL_CHANGES' });
    await space.store.update(first, 'data', { force: true });
    expect(contentOf(space)).toEqual({ a: 'old', b: 'b' });
  });

  test('turns a file into a directory and a directory into a file', async () => {
    const space = workspace();
    writeFileSync(join(space.root, 'data'), 'one file');
    const file = (await space.store.store('data')).digest;
    const tree = await storeTree(space, { 'a/b': 'b', c: 'c' });
    mkdirSync(join(space.root, 'data/empty/inside'), { recursive: true });
    await space.store.update(file, 'data');
    expect(readFileSync(join(space.root, 'data'), 'utf8')).toBe('one file');
    await space.store.update(tree, 'data');
    expect(contentOf(space)).toEqual({ 'a/b': 'b', c: 'c' });
  });

  test('puts a file where a directory was, and a directory where a file was', async () => {
    const space = workspace();
    const first = await storeTree(space, { 'x/deep/file': '1', y: '2' });
    const second = await storeTree(space, { x: 'now a file', 'y/inner': '3' });
    await space.store.update(first, 'data');
    expect(contentOf(space)).toEqual({ 'x/deep/file': '1', y: '2' });
    await space.store.update(second, 'data');
    expect(contentOf(space)).toEqual({ x: 'now a file', 'y/inner': '3' });
  });

  test('leaves a file alone that lies where a directory has to be', async () => {
    const space = workspace();
    const digest = await storeTree(space, { a: 'a' });
    writeFileSync(join(space.root, 'place'), 'mine');
    for (const force of [false, true]) {
      const error = await failureOf(space.store.update(digest, 'place/of/data', { force }));
      expect(error).toMatchObject({
        code: 'LOCAL_CHANGES',
        hint: expect.stringContaining('move place away'),
      });
    }
    expect(readFileSync(join(space.root, 'place'), 'utf8')).toBe('mine');
  });

  test('sets the executable bit without writing the file again', async () => {
    const space = workspace();
    const plain = await storeTree(space, { 'run.sh': '#!/bin/sh\n', other: 'o' });
    chmodSync(join(space.root, 'data/run.sh'), 0o755);
    const executable = (await space.store.store('data')).digest;
    expect(executable).not.toBe(plain);
    expect(await space.store.update(plain, 'data')).toMatchObject({ outcome: 'restored', written: 0 });
    expect(statSync(join(space.root, 'data/run.sh')).mode & 0o111).toBe(0);
    await space.store.update(executable, 'data');
    expect(statSync(join(space.root, 'data/run.sh')).mode & 0o100).toBe(0o100);
  });

  test('takes a file that only moved from where it is', async () => {
    const space = workspace();
    const large = noise(1_500_000);
    const first = await storeTree(space, { 'old/name.bin': large, small: 's' });
    const second = await storeTree(space, { 'new/name.bin': large, small: 't' });
    expect(await space.store.update(first, 'data')).toMatchObject({ written: 2, cloned: 1, removed: 1 });
    expect(readFileSync(join(space.root, 'data/old/name.bin')).equals(large)).toBe(true);
    await space.store.update(second, 'data');
    expect(readFileSync(join(space.root, 'data/new/name.bin')).equals(large)).toBe(true);
  });

  test('does not need objects for files that are there', async () => {
    const space = workspace();
    const first = await storeTree(space, { big: noise(600_000, 2), small: '1' });
    await storeTree(space, { big: noise(600_000, 2), small: '2' });
    const packs = join(space.cache, 'packs');
    const { manifest } = await space.store.store('data');
    expect(manifest.files).toHaveLength(2);
    rmSync(packs, { recursive: true });
    const before = contentOf(space);
    const error = await failureOf(space.store.update(first, 'data', { force: true }));
    expect(error).toBeInstanceOf(IntegrityError);
    expect(String(error)).toContain('blobs are missing for small');
    expect(contentOf(space)).toEqual(before);
  });

  test('refuses a link on the way, as the target, or inside, and touches nothing behind it', async () => {
    const space = workspace();
    const outside = scratchDirectory();
    writeTree(outside, { 'victim.csv': 'precious' });
    const digest = await storeTree(space, { 'a/victim.csv': 'attack', b: 'b' });
    const places: [string, () => void][] = [
      ['linked/data', () => symlinkSync(outside, join(space.root, 'linked'))],
      ['link', () => symlinkSync(outside, join(space.root, 'link'))],
      [
        'inner',
        () => {
          mkdirSync(join(space.root, 'inner'));
          symlinkSync(outside, join(space.root, 'inner/a'));
        },
      ],
      ['dangling', () => symlinkSync(join(outside, 'nothing'), join(space.root, 'dangling'))],
    ];
    for (const [path, arrange] of places) {
      arrange();
      for (const force of [false, true]) {
        expect(await failureOf(space.store.update(digest, path, { force }))).toBeInstanceOf(RefusedError);
      }
    }
    expect(listFiles(outside)).toEqual(['victim.csv']);
    expect(readFileSync(join(outside, 'victim.csv'), 'utf8')).toBe('precious');
    expectNoLeftovers(space);
  });

  test.each(['../out', '/etc/x', '.git/hooks/pre-commit', 'a/../../b', 'C:x', ''])(
    'refuses the path %j',
    async (path) => {
      const space = workspace();
      const digest = await storeTree(space, { a: 'a' });
      expect(await failureOf(space.store.update(digest, path))).toMatchObject({ code: 'UNSAFE_PATH' });
    },
  );

  test('is remembered: what was not touched is not read again, and a change right after it is seen', async () => {
    const space = workspace();
    const first = await storeTree(space, { a: 'old', b: 'b' });
    await storeTree(space, { a: 'new', b: 'b' });
    await space.store.update(first, 'data');
    expect(await space.store.examine('data')).toMatchObject({ digest: first, stored: true });
    const path = join(space.root, 'data/a');
    const { atime, mtime } = statSync(path);
    writeFileSync(path, 'own');
    utimesSync(path, atime, mtime);
    expect(await space.store.examine('data')).toMatchObject({ stored: false });
    expect(await failureOf(space.store.update(first, 'data'))).toMatchObject({ code: 'LOCAL_CHANGES' });
  });

  test('finds out what is stored, by content and not by name', async () => {
    const space = workspace();
    const digest = await storeTree(space, { a: 'a', b: 'b' });
    writeTree(join(space.root, 'copy'), { a: 'a', b: 'b' });
    expect(await space.store.examine('copy')).toMatchObject({ digest, stored: true, files: 2, size: 2 });
    writeTree(join(space.root, 'copy'), { c: 'c' });
    expect(await space.store.examine('copy')).toMatchObject({ stored: false, files: 3 });
  });

  const Tree = fc.dictionary(
    fc.constantFrom('a', 'b', 'c/a', 'c/b', 'c/d/e', 'd', 'e/f'),
    fc.constantFrom('1', '22', '333'),
    { minKeys: 1 },
  );

  test('ends with exactly the wanted files, whatever saved state was there', async () => {
    await fc.assert(
      fc.asyncProperty(Tree, Tree, async (from, to) => {
        const space = workspace();
        const wanted = await storeTree(space, to);
        await storeTree(space, from);
        await space.store.update(wanted, 'data');
        expect(contentOf(space)).toEqual({ ...to });
        expect(await space.store.examine('data')).toMatchObject({ digest: wanted });
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  test('keeps every byte of what is saved nowhere, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(Tree, Tree, Tree, async (saved, wanted, local) => {
        const space = workspace();
        const digest = await storeTree(space, wanted);
        await storeTree(space, saved);
        const own = Object.fromEntries(Object.entries(local).map(([path, text]) => [path, `own ${text}`]));
        rmSync(join(space.root, 'data'), { recursive: true });
        writeTree(join(space.root, 'data'), own);
        expect(await failureOf(space.store.update(digest, 'data'))).toMatchObject({ code: 'LOCAL_CHANGES' });
        expect(contentOf(space)).toEqual(own);
      }),
      { numRuns: 10 },
    );
  }, 60_000);
});
