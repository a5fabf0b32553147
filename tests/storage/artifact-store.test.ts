import { chmodSync, linkSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ArtifactStore } from '../../src/storage/artifact-store.ts';
import { createLocalArtifactStore } from '../../src/storage/local/artifact-store.ts';
import { createMemoryArtifactStore } from '../../src/storage/memory/artifact-store.ts';
import { listFiles, noise, scratchDirectory, writeTree } from './support/scratch.ts';

interface Workspace {
  root: string;
  cache: string;
  store: ArtifactStore;
  warnings: string[];
}

function workspace(): Workspace {
  const root = scratchDirectory();
  const mlopsDir = join(root, '.mlops');
  mkdirSync(mlopsDir);
  const warnings: string[] = [];
  const store = createLocalArtifactStore({ mlopsDir, root, warn: (message) => warnings.push(message) });
  return { root, cache: join(mlopsDir, 'cache'), store, warnings };
}

test('a directory comes back byte for byte, with its executable bits', async () => {
  const { root, store } = workspace();
  const source = join(root, 'model');
  writeTree(source, { 'config.json': '{}', 'bin/run.sh': '#!/bin/sh\n', 'weights.bin': noise(3_000_000), empty: '' });
  chmodSync(join(source, 'bin/run.sh'), 0o755);

  const stored = await store.store('model');
  expect(await store.restore(stored.digest, 'copy')).toBe('restored');

  expect(listFiles(join(root, 'copy'))).toEqual(['bin/run.sh', 'config.json', 'empty', 'weights.bin']);
  for (const path of listFiles(source)) {
    expect(readFileSync(join(root, 'copy', path)).equals(readFileSync(join(source, path)))).toBe(true);
    expect(statSync(join(root, 'copy', path)).mode & 0o100).toBe(statSync(join(source, path)).mode & 0o100);
  }
  expect(stored.size).toBe(3_000_012);
  expect(stored.files).toBe(4);
});

test('a file keeps its digest under another name', async () => {
  const { root, store } = workspace();
  writeFileSync(join(root, 'a.bin'), 'same bytes');
  writeFileSync(join(root, 'b.bin'), 'same bytes');
  const first = await store.store('a.bin');
  const second = await store.store('b.bin');
  expect(second.digest).toBe(first.digest);
  expect(second.blobs).toMatchObject({ total: 1, new: 0, newBytes: 0 });
  expect(first.manifest.kind).toBe('file');
  await store.restore(first.digest, 'out/c.bin');
  expect(readFileSync(join(root, 'out/c.bin'), 'utf8')).toBe('same bytes');
});

test('local and memory stores agree on the digest', async () => {
  const { root, store } = workspace();
  writeTree(join(root, 'data'), { 'a/b.csv': 'x,y\n'.repeat(5000), 'z.bin': noise(2_000_000, 7) });
  const memory = createMemoryArtifactStore({ root });
  expect((await memory.store('data')).digest).toBe((await store.store('data')).digest);
});

test('a dry run writes nothing and gives the same digest', async () => {
  const { root, cache, store } = workspace();
  writeTree(join(root, 'data'), { a: 'one', b: noise(1_500_000) });
  const dry = await store.store('data', { dryRun: true });
  expect(readdirSync(join(root, '.mlops'))).toEqual([]);
  const real = await store.store('data');
  expect(dry.digest).toBe(real.digest);
  expect(dry.blobs).toEqual(real.blobs);
  expect(listFiles(join(cache, 'packs'))).toHaveLength(1);
});

test('what is stored is complete, verifiable and read-only', async () => {
  const { root, cache, store } = workspace();
  writeTree(join(root, 'data'), { a: 'one', b: noise(1_500_000) });
  const { digest } = await store.store('data');
  expect(await store.present(digest)).toBe(true);
  await store.verifyArtifact(digest);
  const { damage, checked } = await store.verifyObjects([digest], { deep: true });
  expect(damage).toEqual([]);
  expect(checked).toMatchObject({ manifests: 1, packs: 1 });
  for (const kind of ['packs', 'manifests']) {
    for (const path of listFiles(join(cache, kind))) expect(statSync(join(cache, kind, path)).mode & 0o777).toBe(0o444);
  }
});

test('hard links are files like any other', async () => {
  const { root, store } = workspace();
  writeTree(join(root, 'data'), { a: 'shared' });
  linkSync(join(root, 'data/a'), join(root, 'data/b'));
  const stored = await store.store('data');
  expect(stored.files).toBe(2);
  expect(stored.blobs.total).toBe(1);
});

test('an existing different target is refused, and replaced with force', async () => {
  const { root, store } = workspace();
  writeTree(join(root, 'data'), { a: 'one' });
  const { digest } = await store.store('data');
  writeTree(join(root, 'out'), { a: 'other', extra: 'x' });
  await expect(store.restore(digest, 'out')).rejects.toMatchObject({ code: 'TARGET_EXISTS', exitCode: 5 });
  expect(readFileSync(join(root, 'out/a'), 'utf8')).toBe('other');
  expect(await store.restore(digest, 'out', { force: true })).toBe('restored');
  expect(listFiles(join(root, 'out'))).toEqual(['a']);
  expect(await store.restore(digest, 'out')).toBe('unchanged');
  expect(readdirSync(root).filter((name) => name.startsWith('.tmp'))).toEqual([]);
});

test('a link inside or as the source is refused by name', async () => {
  const { root, store } = workspace();
  writeTree(join(root, 'data'), { a: 'one' });
  symlinkSync('a', join(root, 'data/link'));
  await expect(store.store('data')).rejects.toMatchObject({ code: 'UNSAFE_ENTRY', exitCode: 4 });
  symlinkSync('data', join(root, 'top'));
  await expect(store.store('top')).rejects.toMatchObject({ hint: expect.stringContaining('data') });
});
