import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashOnly } from '../../src/storage/artifact/blob-sink.ts';
import { ingest } from '../../src/storage/artifact/ingest.ts';
import { WORTH_THREADS } from '../../src/storage/artifact/small-files.ts';
import { walkSource } from '../../src/storage/artifact/walk.ts';
import { WriteThreads } from '../../src/storage/artifact/write-thread.ts';
import { sha256Hex } from '../../src/storage/digest.ts';
import { decodePack, Encoding } from '../../src/storage/pack.ts';
import { listFiles, noise, scratchDirectory, writeTree } from './support/scratch.ts';
import { objectPaths, workspace } from './support/workspace.ts';

const LINE = '{"amount":12.5,"country":"AT","label":0}\n';

/** So many files that threads read and write them: text, noise, copies, empty ones, and a large one in the middle. */
function manyFiles(directory: string): string[] {
  const files: Record<string, string | Uint8Array> = { 'm/large.bin': noise(3_000_000, 9) };
  for (let index = 0; index < WORTH_THREADS + 60; index += 1) {
    const path = `${index % 2 === 0 ? 'a' : 'z'}/${String(index).padStart(5, '0')}`;
    files[path] = `${index}\n${LINE.repeat(index % 300)}`;
    if (index % 100 === 1) files[path] = noise(200_000 + index, index);
    if (index % 100 === 2) files[path] = '';
    if (index % 100 === 3) files[path] = LINE.repeat(200);
    if (index % 500 === 4) files[path] = LINE.repeat(5000);
  }
  writeTree(directory, files);
  return Object.keys(files).toSorted();
}

test('many files are stored and come back as they were', async () => {
  const space = workspace();
  const source = join(space.root, 'data');
  const paths = manyFiles(source);
  chmodSync(join(source, 'a/00010'), 0o755);
  const progress: { bytes: number; files: number }[] = [];
  const stored = await space.store.store('data', { onProgress: (each) => progress.push({ ...each }) });
  expect(stored.manifest.files.map(({ path }) => path)).toEqual(paths);
  for (const { path, sha256, size, executable } of stored.manifest.files) {
    const content = readFileSync(join(source, path));
    expect([path, sha256, size]).toEqual([path, sha256Hex(content), content.length]);
    expect(executable).toBe(path === 'a/00010');
  }
  expect(progress.at(-1)).toMatchObject({ bytes: stored.size, files: paths.length });
  expect(await space.store.verifyObjects([stored.digest], { deep: true })).toMatchObject({ damage: [] });

  expect(await space.store.restore(stored.digest, 'copy')).toBe('restored');
  expect(listFiles(join(space.root, 'copy'))).toEqual(paths);
  for (const path of paths) {
    const copy = join(space.root, 'copy', path);
    expect(readFileSync(copy).equals(readFileSync(join(source, path)))).toBe(true);
    expect(statSync(copy).mode & 0o100).toBe(path === 'a/00010' ? 0o100 : 0);
  }
});

test('the threads compress what shrinks, and each blob is stored once', async () => {
  const space = workspace();
  manyFiles(join(space.root, 'data'));
  const { manifest } = await space.store.store('data');
  const entries = objectPaths(space, 'packs').flatMap((path) => decodePack(readFileSync(path), path));
  const ids = new Set(manifest.files.flatMap(({ blobs }) => blobs));
  expect(entries.map(({ id }) => id).toSorted()).toEqual([...ids].toSorted());
  const encodings = new Map(entries.map(({ id, encoding }) => [id, encoding]));
  const encodingOf = (path: string): Encoding | undefined =>
    encodings.get(manifest.files.find((file) => file.path === path)?.sha256 ?? '');
  expect(encodingOf('a/00250')).toBe(Encoding.brotli);
  expect(encodingOf('a/00504')).toBe(Encoding.brotli);
  expect(encodingOf('z/00003')).toBe(Encoding.brotli);
  expect(encodingOf('z/00101')).toBe(Encoding.raw);
  expect(encodingOf('z/00005')).toBe(Encoding.raw);
});

test('damage is noticed when many files meet what is stored already', async () => {
  const space = workspace();
  manyFiles(join(space.root, 'data'));
  const { digest } = await space.store.store('data');
  for (const name of space.indexFiles.list('stat')) space.indexFiles.remove(`stat/${name}`);
  const [pack = ''] = objectPaths(space, 'packs');
  const bytes = readFileSync(pack);
  bytes.writeUInt8(bytes.readUInt8(2000) ^ 1, 2000);
  chmodSync(pack, 0o644);
  writeFileSync(pack, bytes);
  expect((await space.store.store('data')).digest).toBe(digest);
  expect(space.warnings.join('\n')).toContain('quarantine');
  expect(await space.store.verifyObjects([digest], { deep: true })).toMatchObject({ damage: [] });
});

test.each([
  ['is rewritten', (path: string) => writeFileSync(path, 'another content')],
  ['goes away', (path: string) => rmSync(path)],
])('one of many files that %s after it was listed is named', async (_what, change) => {
  const source = scratchDirectory();
  const files = Object.fromEntries(
    Array.from({ length: WORTH_THREADS + 10 }, (_each, index) => [`f${index}`, `content ${index}`]),
  );
  writeTree(source, files);
  const tree = await walkSource(source);
  change(join(source, 'f1234'));
  const options = {
    sink: hashOnly,
    reuse: () => undefined,
    onProgress: () => undefined,
    thread: undefined,
    signal: undefined,
  };
  await expect(ingest(tree, options)).rejects.toMatchObject({
    code: 'SOURCE_CHANGED',
    message: expect.stringContaining('f1234') as string,
  });
});

test('many files whose bytes are damaged are not restored, not even in part', async () => {
  const space = workspace();
  manyFiles(join(space.root, 'data'));
  const { digest } = await space.store.store('data');
  const [pack = ''] = objectPaths(space, 'packs');
  const bytes = readFileSync(pack);
  bytes.writeUInt8(bytes.readUInt8(bytes.length >>> 1) ^ 1, bytes.length >>> 1);
  chmodSync(pack, 0o644);
  writeFileSync(pack, bytes);
  await expect(space.store.restore(digest, 'copy')).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
  expect(readdirSync(space.root).toSorted()).toEqual(['.mlops', 'data']);
});

test('a file that can not be created fails as a system call does, and nothing is written after that', async () => {
  const directory = scratchDirectory();
  const threads = new WriteThreads();
  mkdirSync(join(directory, 'taken'));
  threads.add(join(directory, 'first'), 0o666, Buffer.from('1'));
  threads.add(join(directory, 'taken'), 0o666, Buffer.from('2'));
  threads.add(join(directory, 'third'), 0o666, Buffer.from('3'));
  await expect(threads.finish()).rejects.toMatchObject({
    code: 'EEXIST',
    syscall: 'open',
    path: join(directory, 'taken'),
  });
  await threads.close();
  expect(readdirSync(directory).toSorted()).toEqual(['first', 'taken']);
});
