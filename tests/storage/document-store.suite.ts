import { describe, expect, it } from 'vitest';
import { MlopsError } from '../../src/errors.ts';
import type { DocumentStore } from '../../src/storage/document-store.ts';

export interface DocumentStoreUnderTest {
  store: DocumentStore;
  /** Lets so much time pass that everything written so far has a fingerprint. */
  settle(): void;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (read: Uint8Array | undefined): string | undefined =>
  read === undefined ? undefined : new TextDecoder().decode(read);

/** What every implementation of `DocumentStore` promises. */
export function runDocumentStoreSuite(name: string, open: () => Promise<DocumentStoreUnderTest>): void {
  describe(`${name} document store`, () => {
    it('reads back what was written, and undefined for what was not', async () => {
      const { store } = await open();
      expect(await store.read('models/m/model.json')).toBeUndefined();
      await store.write('models/m/model.json', bytes('{}\n'));
      expect(text(await store.read('models/m/model.json'))).toBe('{}\n');
      expect(await store.read('models/m/other.json')).toBeUndefined();
    });

    it('replaces on write and keeps empty and large documents', async () => {
      const { store } = await open();
      const large = 'x'.repeat(3_000_000);
      await store.write('a.json', bytes('old'));
      await store.write('a.json', bytes(large));
      expect(text(await store.read('a.json'))).toBe(large);
      await store.write('a.json', bytes(''));
      expect(text(await store.read('a.json'))).toBe('');
    });

    it('creates once, and never replaces', async () => {
      const { store } = await open();
      expect(await store.create('d/a.json', bytes('first'))).toBe(true);
      expect(await store.create('d/a.json', bytes('second'))).toBe(false);
      expect(text(await store.read('d/a.json'))).toBe('first');
    });

    it('lets one of many creators win', async () => {
      const { store } = await open();
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => store.create('d/a.json', bytes(String(index)))),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(text(await store.read('d/a.json'))).toBe(String(outcomes.indexOf(true)));
    });

    it('removes, and says whether there was something to remove', async () => {
      const { store } = await open();
      await store.write('d/a.json', bytes('x'));
      expect(await store.remove('d/a.json')).toBe(true);
      expect(await store.remove('d/a.json')).toBe(false);
      expect(await store.remove('never/was.json')).toBe(false);
      expect(await store.read('d/a.json')).toBeUndefined();
    });

    it('lists JSON files of one directory by UTF-16 code unit, without directories and other files', async () => {
      const { store } = await open();
      for (const file of [
        'b.json',
        'B.json',
        'a.json',
        'é.json',
        'v10.json',
        'v9.json',
        'x.txt',
        'sub.json/y.json',
      ]) {
        await store.write(`d/${file}`, bytes(file));
      }
      const files = await store.readDirectory('d');
      expect(files.map((file) => file.name)).toEqual([
        'B.json',
        'a.json',
        'b.json',
        'v10.json',
        'v9.json',
        'é.json',
      ]);
      expect(files.map((file) => text(file.read()))).toEqual(files.map((file) => file.name));
      expect(await store.readDirectory('absent/too')).toEqual([]);
    });

    it('lists directories only', async () => {
      const { store } = await open();
      await store.write('models/b/model.json', bytes('{}'));
      await store.write('models/a/versions/v1.json', bytes('{}'));
      await store.write('models/file.json', bytes('{}'));
      expect(await store.listDirectories('models')).toEqual(['a', 'b']);
      expect(await store.listDirectories('models/b')).toEqual([]);
      expect(await store.listDirectories('absent')).toEqual([]);
      expect(await store.listDirectories('')).toEqual(['models']);
    });

    it('gives a fingerprint that stays while the file stays and changes when it is replaced', async () => {
      const { store, settle } = await open();
      await store.write('d/a.json', bytes('one'));
      await store.write('d/b.json', bytes('one'));
      settle();
      const [first] = await store.readDirectory('d');
      const [again, other] = await store.readDirectory('d');
      expect(first?.fingerprint).toBeTypeOf('string');
      expect(again?.fingerprint).toBe(first?.fingerprint);
      expect(other?.fingerprint).not.toBe(first?.fingerprint);
      await store.write('d/a.json', bytes('two'));
      settle();
      expect((await store.readDirectory('d'))[0]?.fingerprint).not.toBe(first?.fingerprint);
    });

    it('fails when a listed file is gone by the time it is read', async () => {
      const { store } = await open();
      await store.write('d/a.json', bytes('x'));
      const [file] = await store.readDirectory('d');
      await store.remove('d/a.json');
      expect(() => file?.read()).toThrow(MlopsError);
    });

    it.each(['../a.json', '/a.json', 'a/../../b.json', '.git/config', 'C:/a.json', 'a\\b.json', ''])(
      'refuses %j with exit 4 in every call',
      async (path) => {
        const { store } = await open();
        const refused = { code: 'UNSAFE_PATH', exitCode: 4 };
        await expect(store.read(path)).rejects.toMatchObject(refused);
        await expect(store.write(path, bytes('x'))).rejects.toMatchObject(refused);
        await expect(store.create(path, bytes('x'))).rejects.toMatchObject(refused);
        await expect(store.remove(path)).rejects.toMatchObject(refused);
        if (path === '') return;
        await expect(store.readDirectory(path)).rejects.toMatchObject(refused);
        await expect(store.listDirectories(path)).rejects.toMatchObject(refused);
      },
    );

    it('refuses a directory where a file is expected, and a file where a directory is', async () => {
      const { store } = await open();
      await store.write('d/a.json', bytes('x'));
      const refused = { code: 'UNSAFE_PATH' };
      await expect(store.read('d')).rejects.toMatchObject(refused);
      await expect(store.write('d', bytes('x'))).rejects.toMatchObject(refused);
      await expect(store.write('d/a.json/b.json', bytes('x'))).rejects.toMatchObject(refused);
    });

    it('keeps its own copy of the bytes', async () => {
      const { store } = await open();
      const mine = bytes('abc');
      await store.write('a.json', mine);
      mine.fill(0);
      const read = await store.read('a.json');
      expect(text(read)).toBe('abc');
      read?.fill(0);
      expect(text(await store.read('a.json'))).toBe('abc');
    });

    it('keeps caches apart from documents', async () => {
      const { store } = await open();
      expect(await store.readCache('registry.json')).toBeUndefined();
      await store.writeCache('registry.json', bytes('1'));
      await store.writeCache('registry.json', bytes('2'));
      expect(text(await store.readCache('registry.json'))).toBe('2');
      expect(await store.readDirectory('')).toEqual([]);
    });
  });
}
