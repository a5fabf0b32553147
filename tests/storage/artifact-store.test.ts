import {
  chmodSync,
  linkSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMemoryArtifactStore } from '../../src/storage/memory/artifact-store.ts';
import { listFiles, noise, writeTree } from './support/scratch.ts';
import { workspace } from './support/workspace.ts';

test('a directory comes back byte for byte, with its executable bits', async () => {
  const { root, store } = workspace();
  const source = join(root, 'model');
  writeTree(source, {
    'config.json': '{}',
    'bin/run.sh': '#!/bin/sh\n',
    'weights.bin': noise(3_000_000),
    empty: '',
  });
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
    for (const path of listFiles(join(cache, kind)))
      expect(statSync(join(cache, kind, path)).mode & 0o777).toBe(0o444);
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

test('a bundle carries one artifact to another clone, and nothing else', async () => {
  const from = workspace();
  const to = workspace();
  writeTree(join(from.root, 'data'), { a: 'one', 'b.bin': noise(2_500_000), 'c.csv': 'x,y\n'.repeat(9000) });
  writeTree(join(from.root, 'other'), { secret: 'not for export' });
  await from.store.store('other');
  const { digest } = await from.store.store('data');
  const bundle: [string, Uint8Array][] = [];
  await from.store.exportObjects(digest, { add: async (name, bytes) => void bundle.push([name, bytes]) });
  expect(bundle[0]?.[0]).toBe(`manifests/${digest.slice(7)}`);

  const importing = to.store.importObjects();
  for (const [name, bytes] of bundle) await importing.add(name, bytes);
  expect(await to.store.present(digest)).toBe(false);
  expect((await importing.commit(digest)).files).toHaveLength(3);

  expect(await to.store.restore(digest, 'out')).toBe('restored');
  expect((await to.store.verifyObjects([digest], { deep: true })).checked).toMatchObject({ manifests: 1 });
  expect(listFiles(join(to.root, 'out'))).toEqual(['a', 'b.bin', 'c.csv']);
});

test('an incomplete or altered bundle leaves nothing', async () => {
  const from = workspace();
  const to = workspace();
  writeTree(join(from.root, 'data'), { a: 'one' });
  const { digest } = await from.store.store('data');
  const bundle: [string, Uint8Array][] = [];
  await from.store.exportObjects(digest, { add: async (name, bytes) => void bundle.push([name, bytes]) });
  const [manifest, pack] = bundle;
  if (manifest === undefined || pack === undefined) throw new Error('expected a manifest and a pack');

  const incomplete = to.store.importObjects();
  await incomplete.add(...manifest);
  await expect(incomplete.commit(digest)).rejects.toMatchObject({ code: 'BUNDLE_INCOMPLETE', exitCode: 3 });
  await incomplete.abort();

  const altered = to.store.importObjects();
  const bytes = Buffer.from(pack[1]);
  bytes.writeUInt8(bytes.readUInt8(9) ^ 1, 9);
  await expect(altered.add(pack[0], bytes)).rejects.toMatchObject({ code: 'BUNDLE_DAMAGED', exitCode: 3 });
  await expect(altered.add('../escape', bytes)).rejects.toMatchObject({
    code: 'BUNDLE_INVALID',
    exitCode: 2,
  });
  await altered.abort();
  expect(listFiles(to.mlopsDir)).toEqual([]);
});

test('a chosen part of a directory is restored', async () => {
  const { root, store } = workspace();
  writeTree(join(root, 'data'), { 'a.txt': 'a', 'sub/b.txt': 'b' });
  const { digest } = await store.store('data');
  await store.restore(digest, 'out', { include: (path) => path.startsWith('sub/') });
  expect(listFiles(join(root, 'out'))).toEqual(['sub/b.txt']);
});

test('a target that is a symbolic link is never written through', async () => {
  const { root, store } = workspace();
  writeTree(join(root, 'data'), { a: 'new' });
  writeTree(join(root, 'elsewhere'), { a: 'old' });
  const { digest } = await store.store('data');
  symlinkSync('elsewhere', join(root, 'out'));
  await expect(store.restore(digest, 'out')).rejects.toMatchObject({ code: 'TARGET_EXISTS' });
  await store.restore(digest, 'out', { force: true });
  expect(readFileSync(join(root, 'elsewhere/a'), 'utf8')).toBe('old');
  expect(readFileSync(join(root, 'out/a'), 'utf8')).toBe('new');
});
