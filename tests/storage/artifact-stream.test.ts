import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMemoryArtifactStore } from '../../src/storage/memory/artifact-store.ts';
import { listFiles, noise, scratchDirectory, writeTree } from './support/scratch.ts';
import { damageOnly, objectPaths, workspace } from './support/workspace.ts';

async function* piecesOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[index % sizes.length] ?? 1);
    // The same memory again and again, as a socket may do it.
    yield bytes.subarray(at, (at += size));
    await Promise.resolve();
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('a stream', () => {
  test.each([0, 1, 524_288, 524_289, 5_000_000, 20_000_000])(
    'of %i bytes gets the digest that a file of these bytes has',
    async (size) => {
      const { root, store } = workspace();
      const bytes = noise(size, 3);
      writeFileSync(join(root, 'same.bin'), bytes);
      const streamed = await store.storeStream(piecesOf(bytes, [65_536, 1, 300_000]));
      expect(streamed.digest).toBe((await store.digest('same.bin')).digest);
      expect(streamed.size).toBe(size);
      expect(await streamed.isStillThere()).toBe(true);
      await store.restore(streamed.digest, 'copy.bin');
      expect(readFileSync(join(root, 'copy.bin')).equals(bytes)).toBe(true);
    },
  );

  test('gets the same digest however it arrives', async () => {
    const bytes = noise(9_000_000, 5);
    const store = createMemoryArtifactStore({ root: scratchDirectory() });
    const whole = await store.storeStream(piecesOf(bytes, []));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4_500_000 }), { minLength: 1, maxLength: 5 }),
        async (sizes) => {
          const long = sizes.map((size) => Math.max(size, 20_000));
          expect((await store.storeStream(piecesOf(bytes, long))).digest).toBe(whole.digest);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('that fails keeps nothing', async () => {
    const space = workspace();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield noise(6_000_000);
      await Promise.resolve();
      throw new Error('the client went away');
    }
    await expect(space.store.storeStream(broken())).rejects.toThrow('the client went away');
    expect(objectPaths(space, 'manifests')).toEqual([]);
    expect(objectPaths(space, 'packs')).toEqual([]);
    expect(listFiles(space.cache).filter((path) => path.includes('.tmp-'))).toEqual([]);
  });

  test('stores nothing twice', async () => {
    const { store } = workspace();
    const bytes = noise(3_000_000, 9);
    await store.storeStream(piecesOf(bytes, [100_000]));
    const again = await store.storeStream(piecesOf(bytes, [70_000]));
    expect(again.blobs).toMatchObject({ new: 0, newBytes: 0, storedBytes: 0 });
  });

  test('replaces a damaged copy of what it brings, and goes on', async () => {
    const space = workspace();
    const bytes = noise(900_000, 11);
    const { digest } = await space.store.storeStream(piecesOf(bytes, []));
    damageOnly(space, 'packs', 1000);
    const again = await space.store.storeStream(piecesOf(bytes, [250_000]));
    expect(again.digest).toBe(digest);
    expect(space.warnings.join()).toContain('quarantine');
    await space.store.verifyArtifact(digest);
  });

  test('can be stopped', async () => {
    const { store } = workspace();
    const abort = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let index = 0; ; index += 1) {
        if (index === 3) abort.abort();
        yield noise(1_000_000, index + 1);
        await Promise.resolve();
      }
    }
    await expect(store.storeStream(endless(), { signal: abort.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
  });
});

describe('an artifact composed of stored files', () => {
  test('is the one that the same directory would give, without a byte copied', async () => {
    const space = workspace();
    const { root, store } = space;
    const files = { 'a/b.bin': noise(2_000_000, 2), 'a/c.txt': 'text', empty: '' };
    writeTree(join(root, 'data'), files);
    const parts = [];
    for (const [path, content] of Object.entries(files)) {
      const { manifest } = await store.storeStream(piecesOf(Buffer.from(content), []));
      for (const file of manifest.files) parts.push({ ...file, path });
    }
    const packs = objectPaths(space, 'packs');
    const composed = await store.compose(parts.toReversed());
    expect(composed.digest).toBe((await store.digest('data')).digest);
    expect(composed).toMatchObject({ size: 2_000_004, files: 3, blobs: { new: 0, storedBytes: 0 } });
    expect(objectPaths(space, 'packs')).toEqual(packs);
    await store.restore(composed.digest, 'copy');
    expect(listFiles(join(root, 'copy'))).toEqual(['a/b.bin', 'a/c.txt', 'empty']);
  });

  test.each([
    ['../up', 'UNSAFE_PATH'],
    ['/absolute', 'UNSAFE_PATH'],
    ['a//b', 'UNSAFE_PATH'],
    ['.git/config', 'UNSAFE_PATH'],
    ['same', 'NAME_COLLISION'],
    ['same/below', 'NAME_COLLISION'],
  ])('refuses %s', async (path, code) => {
    const { store } = workspace();
    const { manifest } = await store.storeStream(piecesOf(Buffer.from('x'), []));
    const files = manifest.files.flatMap((file) => [
      { ...file, path: 'same' },
      { ...file, path },
    ]);
    await expect(store.compose(files)).rejects.toMatchObject({ code });
  });

  test('is refused while a blob is missing', async () => {
    const space = workspace();
    const { manifest } = await space.store.storeStream(piecesOf(noise(1000), []));
    for (const pack of objectPaths(space, 'packs')) rmSync(pack);
    rmSync(join(space.cache, 'index'), { recursive: true, force: true });
    const files = manifest.files.map((file) => ({ ...file, path: 'x' }));
    await expect(space.store.compose(files)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
  });
});

describe('reading a stored file', () => {
  test('gives its bytes in order', async () => {
    const { store } = workspace();
    const bytes = noise(7_000_000, 4);
    const { manifest } = await store.storeStream(piecesOf(bytes, []));
    for (const file of manifest.files) expect((await collect(store.readFile(file))).equals(bytes)).toBe(true);
  });

  test('ends in an error where a byte is not what it was', async () => {
    const space = workspace();
    const { manifest } = await space.store.storeStream(piecesOf(noise(900_000, 4), []));
    damageOnly(space, 'packs', 500);
    for (const file of manifest.files)
      await expect(collect(space.store.readFile(file))).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
  });
});
