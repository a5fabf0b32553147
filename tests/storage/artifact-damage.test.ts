import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LocalIoError } from '../../src/errors.ts';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { sha256Hex } from '../../src/storage/digest.ts';
import { FaultyObjectStore, type Fault } from '../../src/storage/faulty.ts';
import { createMemoryArtifactStore } from '../../src/storage/memory/artifact-store.ts';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import { listFiles, noise, scratchDirectory, writeTree } from './support/scratch.ts';
import { damageOnly, objectPaths, workspace, type Workspace } from './support/workspace.ts';

/** So that nothing leans on the stat index: the bytes have to be met. */
function forget({ cache }: Workspace): void {
  rmSync(join(cache, 'index'), { recursive: true, force: true });
}

async function stored(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<Workspace & { digest: string }> {
  const space = workspace();
  writeTree(join(space.root, 'data'), files);
  const { digest } = await space.store.store('data');
  return { ...space, digest };
}

const FILES = { 'a.bin': noise(700_000, 1), 'b.bin': noise(400_000, 2), 'c.txt': 'text '.repeat(3000) };

describe('one flipped byte is found by verification', () => {
  test.each([
    ['in the header of a pack', 'packs', 0],
    ['in a blob', 'packs', 1000],
    ['in the table', 'packs', -30],
    ['in the trailer', 'packs', -1],
    ['in a manifest', 'manifests', 40],
  ] as const)('%s', async (_, kind, offset) => {
    const space = await stored(FILES);
    damageOnly(space, kind, offset);
    const { damage } = await space.store.verifyObjects([space.digest], { deep: true });
    expect(damage.length).toBeGreaterThan(0);
    expect(damage[0]?.path).toMatch(/^cache\/(?:packs|manifests)\//);
    expect(damage.some(({ kind: found }) => found === kind.slice(0, -1))).toBe(true);
  });
});

describe('a manifest that lies about a file of several blobs', () => {
  interface Entry {
    blobs: string[];
    sha256: string;
    size: number;
  }

  test.each([
    ['names another hash', (file: Entry) => ({ ...file, sha256: sha256Hex(Buffer.from('other')) })],
    ['names its blobs in another order', (file: Entry) => ({ ...file, blobs: file.blobs.toReversed() })],
    ['names another size', (file: Entry) => ({ ...file, size: file.size + 1 })],
  ])('and %s restores nothing', async (_how, lie) => {
    const space = await stored({ 'large.bin': noise(6_000_000, 5) });
    const [path = ''] = objectPaths(space, 'manifests');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { files: [Entry] };
    expect(manifest.files[0].blobs.length).toBeGreaterThan(2);
    const bytes = Buffer.from(canonicalJson({ ...manifest, files: [lie(manifest.files[0])] }));
    const name = sha256Hex(bytes);
    mkdirSync(join(space.cache, 'manifests', name.slice(0, 2)), { recursive: true });
    writeFileSync(join(space.cache, 'manifests', name.slice(0, 2), name), bytes);
    const refused = { code: 'OBJECT_DAMAGED', exitCode: 3 };
    await expect(space.store.restore(`sha256:${name}`, join(space.root, 'out'))).rejects.toMatchObject(
      refused,
    );
    expect(existsSync(join(space.root, 'out'))).toBe(false);
    await expect(space.store.verifyArtifact(`sha256:${name}`)).rejects.toMatchObject(refused);
  });
});

test('each sample covers its part, and all parts find the damage once', async () => {
  const space = await stored(FILES);
  damageOnly(space, 'packs', 1000);
  const parts = [0, 1, 2].map((part) => (name: string) => parseInt(name.slice(0, 2), 16) % 3 === part);
  let found = 0;
  for (const sample of parts) {
    const { damage } = await space.store.verifyObjects([space.digest], { deep: true, sample });
    found += damage.filter(({ kind }) => kind === 'pack').length;
  }
  expect(found).toBe(1);
});

test.each([
  ['every copy of a blob is damaged', 'OBJECT_DAMAGED'],
  ['a pack is gone', 'OBJECT_MISSING'],
])('where %s the hint says how to bring the bytes back', async (_what, code) => {
  const space = await stored(FILES);
  if (code === 'OBJECT_DAMAGED') damageOnly(space, 'packs', 1000);
  else for (const pack of objectPaths(space, 'packs')) rmSync(pack);
  forget(space);
  await expect(space.store.restore(space.digest, join(space.root, 'copy'))).rejects.toMatchObject({
    code,
    hint: expect.stringContaining('save the same files again, or import a bundle'),
  });
});

describe('a check of one artifact only', () => {
  test('neither reads nor names what another one needs', async () => {
    const space = await stored(FILES);
    damageOnly(space, 'packs', 1000);
    damageOnly(space, 'manifests', 40);
    writeTree(join(space.root, 'other'), { 'other.bin': noise(300_000, 7) });
    const { digest } = await space.store.store('other');
    const { damage, checked } = await space.store.verifyObjects([digest], { deep: true, only: true });
    expect(damage).toEqual([]);
    expect(checked).toMatchObject({ manifests: 1, packs: 1 });
    expect(checked.bytes).toBeLessThan(400_000);
    expect((await space.store.verifyObjects([digest], { deep: true })).damage).not.toEqual([]);
  });

  test('names the damage in its own pack and no other', async () => {
    const space = await stored(FILES);
    const pack = damageOnly(space, 'packs', 1000);
    writeTree(join(space.root, 'other'), { 'other.bin': noise(300_000, 7) });
    await space.store.store('other');
    const { damage, checked } = await space.store.verifyObjects([space.digest], { deep: true, only: true });
    expect(damage).toContainEqual(expect.objectContaining({ kind: 'pack' }));
    expect(damage.every(({ path }) => pack.endsWith(path.slice('cache/'.length)))).toBe(true);
    expect(checked).toMatchObject({ manifests: 1, packs: 1 });
  });
});

test('the artifact names the file that is not intact, and nothing is moved', async () => {
  const space = await stored(FILES);
  const pack = damageOnly(space, 'packs', 1000);
  await expect(space.store.verifyArtifact(space.digest)).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(/1 of 3 files.*a\.bin/s),
  });
  expect(existsSync(pack)).toBe(true);
});

test('restoring from a damaged pack writes nothing, quarantines it and keeps its good blobs', async () => {
  const space = await stored(FILES);
  const pack = damageOnly(space, 'packs', 1000);
  await expect(space.store.restore(space.digest, 'out')).rejects.toMatchObject({
    code: 'OBJECT_DAMAGED',
    exitCode: 3,
  });
  expect(existsSync(join(space.root, 'out'))).toBe(false);
  expect(existsSync(pack)).toBe(false);
  expect(listFiles(join(space.cache, 'quarantine'))).toHaveLength(2);
  expect(space.warnings.join()).toContain('2 good blobs');
  expect(await space.store.restore(space.digest, 'part', { include: (path) => path !== 'a.bin' })).toBe(
    'restored',
  );
  expect(readFileSync(join(space.root, 'part/b.bin')).equals(FILES['b.bin'])).toBe(true);
});

test('storing again over a damaged blob replaces it and says so', async () => {
  const space = await stored(FILES);
  const pack = damageOnly(space, 'packs', 1000);
  forget(space);
  const again = await space.store.store('data');
  expect(again.digest).toBe(space.digest);
  expect(again.blobs.new).toBe(1);
  expect(existsSync(pack)).toBe(false);
  expect(space.warnings).toHaveLength(1);
  await space.store.verifyArtifact(space.digest);
  expect((await space.store.verifyObjects([space.digest], { deep: true })).damage).toEqual([]);
});

test('a damaged manifest is replaced when the same source is stored again', async () => {
  const space = await stored(FILES);
  damageOnly(space, 'manifests', 40);
  forget(space);
  expect((await space.store.store('data')).digest).toBe(space.digest);
  expect((await space.store.manifest(space.digest)).files).toHaveLength(3);
});

test.each([
  ['missing', (path: string) => rmSync(path)],
  ['truncated', (path: string) => (chmodSync(path, 0o644), truncateSync(path, 5000))],
])('a %s pack makes the stat index step aside', async (_, spoil) => {
  const space = await stored(FILES);
  for (const path of objectPaths(space, 'packs')) spoil(path);
  expect(await space.store.present(space.digest)).toBe(false);
  await expect(space.store.restore(space.digest, 'out')).rejects.toMatchObject({ exitCode: 3 });
  const again = await space.store.store('data');
  expect(again.blobs.new).toBe(3);
  expect(await space.store.restore(space.digest, 'out')).toBe('restored');
});

test('another pack with the same blob is used when the first copy is bad', async () => {
  const root = scratchDirectory();
  writeTree(join(root, 'one'), { a: noise(5000, 1) });
  writeTree(join(root, 'two'), { a: noise(5000, 1), b: noise(5000, 2) });
  const objects = new MemoryObjectStore();
  // Two clones that did not know of each other put the same blob into different packs.
  const { digest } = await createMemoryArtifactStore({ root, objects }).store('one');
  const other = createMemoryArtifactStore({ root });
  const second = await other.store('two');
  const importing = createMemoryArtifactStore({ root, objects }).importObjects();
  await other.exportObjects(second.digest, importing);
  await importing.commit(second.digest);
  for await (const { key, size } of objects.list('packs')) {
    if (size > 6000) continue;
    const bytes = Buffer.from(await objects.get(key));
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    objects.damage(key, bytes);
  }
  expect(await createMemoryArtifactStore({ root, objects }).restore(digest, 'out')).toBe('restored');
  expect(readFileSync(join(root, 'out/a')).equals(noise(5000, 1))).toBe(true);
});

describe('faults while storing', () => {
  async function storeWith(
    call: 'put' | 'commit',
    nth: number,
    fault: Fault,
  ): Promise<{ objects: MemoryObjectStore; log: string[]; error: unknown }> {
    const root = scratchDirectory();
    writeTree(join(root, 'data'), { a: noise(9000), b: 'b' });
    const objects = new MemoryObjectStore();
    const faulty = new FaultyObjectStore(objects, [{ call, nth, fault }]);
    const error: unknown = await createMemoryArtifactStore({ root, objects: faulty })
      .store('data')
      .then(
        () => undefined,
        (failure: unknown) => failure,
      );
    return { objects, log: faulty.log, error };
  }

  async function count(objects: MemoryObjectStore, kind: 'packs' | 'manifests'): Promise<number> {
    let found = 0;
    for await (const info of objects.list(kind)) found += info.size > 0 ? 1 : 0;
    return found;
  }

  test.each(['flip-last-byte', 'truncate'] as const)(
    '%s between hashing and disk: nothing counts as stored',
    async (fault) => {
      const { objects, error } = await storeWith('put', 1, fault);
      expect(error).toMatchObject({ exitCode: 3 });
      expect(await count(objects, 'packs')).toBe(0);
      expect(await count(objects, 'manifests')).toBe(0);
    },
  );

  test('a manifest is only written when its packs are durable', async () => {
    const failing = await storeWith('commit', 1, { errno: 'ENOSPC' });
    expect(failing.error).toBeDefined();
    expect(failing.log.filter((line) => line.includes('manifests'))).toEqual([]);
    const { log, error } = await storeWith('commit', 99, { errno: 'EIO' });
    expect(error).toBeUndefined();
    const kinds = log.filter((line) => /^(?:put|commit)/.test(line)).map((line) => line.split('/')[0]);
    expect(kinds).toEqual(['put packs', 'commit', 'put manifests', 'commit']);
  });

  test('whichever call fails, no manifest without its packs is left', async () => {
    for (const call of ['put', 'commit'] as const) {
      for (let nth = 1; nth <= 2; nth += 1) {
        const { objects, error } = await storeWith(call, nth, { errno: 'EIO' });
        expect(error).toBeDefined();
        expect(await count(objects, 'manifests')).toBe(0);
      }
    }
  });
});

test('a hostile path in a manifest is refused before anything is written', async () => {
  const space = workspace();
  const evil = `{\n  "files": [\n    {\n      "path": "../evil",\n      "sha256": "${sha256Hex(new Uint8Array())}",\n      "size": 0\n    }\n  ],\n  "kind": "directory",\n  "schema": "mlops.manifest/1"\n}\n`;
  const name = sha256Hex(Buffer.from(evil));
  writeTree(join(space.cache, 'manifests', name.slice(0, 2)), { [name]: evil });
  await expect(space.store.restore(`sha256:${name}`, 'out/deep')).rejects.toMatchObject({
    code: 'UNSAFE_PATH',
    exitCode: 4,
  });
  expect(listFiles(space.root).filter((path) => !path.startsWith('.mlops'))).toEqual([]);
});

test('garbage in place of every index is ignored', async () => {
  const space = await stored(FILES);
  for (const path of listFiles(join(space.cache, 'index')))
    writeFileSync(join(space.cache, 'index', path), noise(300));
  expect((await space.store.store('data')).blobs.new).toBe(0);
  expect(await space.store.restore(space.digest, 'out')).toBe('restored');
});

test('a pack that can not be read just now is not taken for damaged, and stays where it is', async () => {
  const root = scratchDirectory();
  const objects = new MemoryObjectStore();
  const store = createMemoryArtifactStore({ root, objects });
  writeTree(join(root, 'first'), FILES);
  writeTree(join(root, 'second'), { 'a.bin': FILES['a.bin'], 'd.txt': 'more' });
  const { digest } = await store.store('first');
  const get = objects.get.bind(objects);
  objects.get = async (key, range) => {
    if (key.kind === 'packs') throw new LocalIoError('IO_FAILED', 'EMFILE: too many open files');
    return get(key, range);
  };
  await expect(store.store('second')).rejects.toMatchObject({ exitCode: 6 });
  await expect(store.restore(digest, 'out')).rejects.toMatchObject({ exitCode: 6 });
  objects.get = get;
  expect((await store.verifyObjects([digest], { deep: true })).damage).toEqual([]);
  await store.store('second');
  await store.restore(digest, 'out');
  expect(readFileSync(join(root, 'out/b.bin')).equals(FILES['b.bin'])).toBe(true);
});
