import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/storage/digest.ts';
import type { ObjectKey, ObjectKind, ObjectStore } from '../../src/storage/object-store.ts';

export interface ObjectStoreFixture {
  store: ObjectStore;
  /** Overwrites an object behind the store's back. */
  damage(key: ObjectKey, bytes: Buffer<ArrayBuffer>): void | Promise<void>;
  /** A remote may show each object as soon as it is put; a disk and memory show none before `commit`. */
  visibleBeforeCommit?: boolean;
  /** What a batch does with a damaged object unless it is told; default `replace`. */
  onDamaged?: 'refuse' | 'replace';
}

function bytesOf(text: string): Buffer<ArrayBuffer> {
  return Buffer.from(text);
}

function keyOf(text: string, kind: ObjectKind = 'packs'): ObjectKey {
  return { kind, name: sha256Hex(bytesOf(text)) };
}

/** Of a manifest that does not matter here. */
function layoutKey(text: string, manifest = sha256Hex(bytesOf('a manifest'))): ObjectKey {
  return { kind: 'layouts', name: `${manifest}-${sha256Hex(bytesOf(text)).slice(0, 16)}` };
}

async function putOne(store: ObjectStore, text: string, kind: ObjectKind = 'packs'): Promise<ObjectKey> {
  const key = kind === 'layouts' ? layoutKey(text) : keyOf(text, kind);
  const batch = store.batch();
  await batch.put(key, bytesOf(text));
  await batch.commit();
  return key;
}

async function namesIn(store: ObjectStore, kind: ObjectKind, prefix?: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(kind, prefix)) names.push(key.name);
  return names.toSorted();
}

/** What every object store promises. */
export function runObjectStoreSuite(
  title: string,
  create: () => ObjectStoreFixture | Promise<ObjectStoreFixture>,
): void {
  describe(`${title} object store`, () => {
    test('gives back what was put, as a whole and in part', async () => {
      const { store } = await create();
      const key = await putOne(store, 'hello world');
      expect(Buffer.from(await store.get(key)).toString()).toBe('hello world');
      expect(Buffer.from(await store.get(key, { offset: 6, length: 5 })).toString()).toBe('world');
      expect(await store.get(key, { offset: 11, length: 0 })).toHaveLength(0);
      expect(await store.stat(key)).toMatchObject({ key, size: 11 });
    });

    test('names what it stores after its bytes', async () => {
      const { store } = await create();
      const batch = store.batch();
      expect(await batch.store('packs', bytesOf('named'))).toBe(keyOf('named').name);
      await batch.commit();
      expect(Buffer.from(await store.get(keyOf('named'))).toString()).toBe('named');
    });

    test('keeps kinds apart and lists each', async () => {
      const { store } = await create();
      const pack = await putOne(store, 'one', 'packs');
      const manifest = await putOne(store, 'two', 'manifests');
      expect(await namesIn(store, 'packs')).toEqual([pack.name]);
      expect(await namesIn(store, 'manifests')).toEqual([manifest.name]);
      expect(await store.stat({ kind: 'manifests', name: pack.name })).toBeUndefined();
    });

    test('an empty store lists nothing and misses everything', async () => {
      const { store } = await create();
      const key = keyOf('absent');
      expect(await namesIn(store, 'packs')).toEqual([]);
      expect(await store.stat(key)).toBeUndefined();
      expect(await store.delete(key)).toBe(false);
      await expect(store.get(key)).rejects.toMatchObject({ code: 'OBJECT_MISSING', exitCode: 3 });
      await expect(store.quarantine(key, 'why')).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    });

    test('nothing is visible before commit or after abort, unless it is a remote', async () => {
      const { store, visibleBeforeCommit = false } = await create();
      const batch = store.batch();
      const key = keyOf('pending');
      expect(await batch.put(key, bytesOf('pending'))).toBe('stored');
      expect((await store.stat(key)) !== undefined).toBe(visibleBeforeCommit);
      expect(await namesIn(store, 'packs')).toEqual(visibleBeforeCommit ? [key.name] : []);
      await batch.abort();
      await batch.abort();
      expect((await store.stat(key)) !== undefined).toBe(visibleBeforeCommit);
    });

    test('a layout is named by its manifest and the start of its own hash', async () => {
      const { store } = await create();
      const key = await putOne(store, 'a layout', 'layouts');
      expect(Buffer.from(await store.get(key)).toString()).toBe('a layout');
      expect(await store.stat(key)).toMatchObject({ key, size: 8 });
      expect(await namesIn(store, 'layouts')).toEqual([key.name]);
      expect(await namesIn(store, 'manifests')).toEqual([]);
      const batch = store.batch();
      expect(await batch.put(key, bytesOf('a layout'))).toBe('present');
      await expect(batch.put(layoutKey('another'), bytesOf('a layout'))).rejects.toMatchObject({
        exitCode: 3,
      });
      await batch.commit();
      expect(await store.delete(key)).toBe(true);
      expect(await store.stat(key)).toBeUndefined();
    });

    test('pushed runs are named by the start of their own hash too', async () => {
      const { store } = await create();
      const hash = sha256Hex(bytesOf('runs'));
      const key: ObjectKey = { kind: 'runs', name: `${'5'.repeat(32)}-${hash.slice(0, 16)}` };
      const batch = store.batch();
      await batch.put(key, bytesOf('runs'));
      await expect(batch.put({ ...key, name: hash }, bytesOf('runs'))).rejects.toMatchObject({ exitCode: 3 });
      await batch.commit();
      expect(Buffer.from(await store.get(key)).toString()).toBe('runs');
      expect(await namesIn(store, 'runs')).toEqual([key.name]);
      expect(await namesIn(store, 'layouts')).toEqual([]);
    });

    test('lists by the start of the name', async () => {
      const { store } = await create();
      const manifests = ['one', 'two', 'three'].map((text) => sha256Hex(bytesOf(text)));
      const batch = store.batch();
      for (const manifest of manifests) {
        for (const text of ['x', 'y']) await batch.put(layoutKey(text, manifest), bytesOf(text));
      }
      await batch.commit();
      const all = await namesIn(store, 'layouts');
      expect(all).toHaveLength(6);
      const [first = ''] = manifests;
      for (const prefix of [
        '',
        first.slice(0, 1),
        first.slice(0, 2),
        first.slice(0, 3),
        first,
        `${first}-`,
      ]) {
        const expected = all.filter((name) => name.startsWith(prefix));
        expect(expected.length).toBeGreaterThan(0);
        expect(await namesIn(store, 'layouts', prefix)).toEqual(expected);
      }
      expect(await namesIn(store, 'layouts', `${first}-0000000000000000-`)).toEqual([]);
    });

    test('abort after commit changes nothing', async () => {
      const { store } = await create();
      const batch = store.batch();
      await batch.put(keyOf('kept'), bytesOf('kept'));
      await batch.commit();
      await batch.abort();
      expect(Buffer.from(await store.get(keyOf('kept'))).toString()).toBe('kept');
    });

    test('bytes that do not hash to the name are refused', async () => {
      const { store } = await create();
      const batch = store.batch();
      await expect(batch.put(keyOf('right'), bytesOf('wrong'))).rejects.toMatchObject({ exitCode: 3 });
      await batch.commit();
      expect(await namesIn(store, 'packs')).toEqual([]);
    });

    test('the same object twice is present, also within a batch', async () => {
      const { store } = await create();
      const key = await putOne(store, 'again');
      const batch = store.batch();
      expect(await batch.put(key, bytesOf('again'))).toBe('present');
      expect(await batch.put(keyOf('other'), bytesOf('other'))).toBe('stored');
      expect(await batch.put(keyOf('other'), bytesOf('other'))).toBe('present');
      await batch.commit();
      expect(await namesIn(store, 'packs')).toHaveLength(2);
    });

    test.each([
      ['of the same size', 'hellO world'],
      ['cut short', 'hello'],
    ])('a damaged object %s is found, replaced and kept aside', async (_, text) => {
      const { store, damage } = await create();
      const key = await putOne(store, 'hello world');
      await damage(key, bytesOf(text));
      await expect(store.get(key)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED', exitCode: 3 });
      const batch = store.batch({ onDamaged: 'replace' });
      expect(await batch.put(key, bytesOf('hello world'))).toBe('replaced');
      await batch.commit();
      expect(Buffer.from(await store.get(key)).toString()).toBe('hello world');
    });

    test('a damaged object is left as it is where that is wanted', async () => {
      const { store, damage, onDamaged = 'replace' } = await create();
      const key = await putOne(store, 'hello world');
      await damage(key, bytesOf('hellO world'));
      const batch = store.batch(onDamaged === 'refuse' ? {} : { onDamaged: 'refuse' });
      await expect(batch.put(key, bytesOf('hello world'))).rejects.toMatchObject({
        code: 'REMOTE_OBJECT_DAMAGED',
        exitCode: 3,
      });
      await batch.abort();
      await expect(store.get(key)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
    });

    test('bad bytes in hand never displace a good object', async () => {
      const { store } = await create();
      const key = await putOne(store, 'good');
      const batch = store.batch();
      await expect(batch.put(key, bytesOf('evil'))).rejects.toMatchObject({ exitCode: 3 });
      await batch.abort();
      expect(Buffer.from(await store.get(key)).toString()).toBe('good');
    });

    test('a range outside the object is damage', async () => {
      const { store } = await create();
      const key = await putOne(store, 'short');
      for (const range of [
        { offset: 0, length: 6 },
        { offset: 6, length: 0 },
        { offset: -1, length: 2 },
      ]) {
        await expect(store.get(key, range)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
      }
    });

    test('delete and quarantine take the object away', async () => {
      const { store } = await create();
      const first = await putOne(store, 'first');
      const second = await putOne(store, 'second');
      expect(await store.delete(first)).toBe(true);
      expect(await store.quarantine(second, 'a test')).toContain(second.name);
      expect(await namesIn(store, 'packs')).toEqual([]);
    });

    test.each(['', '../../etc/passwd', 'AB'.repeat(32), 'a'.repeat(63), `${'a'.repeat(62)}/b`])(
      'the name %j is refused everywhere',
      async (name) => {
        const { store } = await create();
        const key: ObjectKey = { kind: 'packs', name };
        await expect(store.get(key)).rejects.toMatchObject({ exitCode: 3 });
        await expect(store.stat(key)).rejects.toMatchObject({ exitCode: 3 });
        await expect(store.delete(key)).rejects.toMatchObject({ exitCode: 3 });
        await expect(store.quarantine(key, 'x')).rejects.toMatchObject({ exitCode: 3 });
        await expect(store.batch().put(key, bytesOf('x'))).rejects.toMatchObject({ exitCode: 3 });
      },
    );

    test('many objects in one batch become visible together', async () => {
      const { store, visibleBeforeCommit = false } = await create();
      const batch = store.batch();
      const texts = Array.from({ length: 40 }, (_, index) => `object ${index}`);
      await Promise.all(texts.map((text) => batch.put(keyOf(text), bytesOf(text))));
      if (!visibleBeforeCommit) expect(await namesIn(store, 'packs')).toEqual([]);
      await batch.commit();
      expect(await namesIn(store, 'packs')).toEqual(texts.map((text) => keyOf(text).name).toSorted());
    });
  });
}
