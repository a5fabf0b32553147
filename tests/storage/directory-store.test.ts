import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/storage/digest.ts';
import { DirectoryObjectStore, prepareDirectory } from '../../src/storage/directory/object-store.ts';
import { hostMark } from '../../src/storage/local/leftovers.ts';
import type { ObjectKey, ObjectStore } from '../../src/storage/object-store.ts';
import { runObjectStoreSuite, type ObjectStoreFixture } from './object-store.suite.ts';
import { listFiles, scratchDirectory } from './support/scratch.ts';

const HELLO = Buffer.from('hello');
const HELLO_KEY: ObjectKey = { kind: 'packs', name: sha256Hex(HELLO) };
const HELLO_PATH = `packs/${HELLO_KEY.name.slice(0, 2)}/${HELLO_KEY.name}`;

async function share(): Promise<ObjectStoreFixture & { root: string }> {
  const root = join(scratchDirectory(), 'share');
  await prepareDirectory(root);
  const damage = ({ kind, name }: ObjectKey, bytes: Buffer): void => {
    const path = join(root, kind, name.slice(0, 2), name);
    chmodSync(path, 0o644);
    writeFileSync(path, bytes);
  };
  return { root, store: new DirectoryObjectStore(root), damage, onDamaged: 'refuse' };
}

async function putHello(store: ObjectStore, onDamaged?: 'refuse' | 'replace'): Promise<string> {
  const batch = store.batch(onDamaged === undefined ? {} : { onDamaged });
  const outcome = await batch.put(HELLO_KEY, HELLO);
  await batch.commit();
  return outcome;
}

runObjectStoreSuite('directory', share);

describe('a directory as a remote', () => {
  test('holds objects below itself, read-only, and nothing else but the marker', async () => {
    const { root, store } = await share();
    await putHello(store);
    expect(listFiles(root).toSorted()).toEqual(['mlops-remote.json', HELLO_PATH]);
    expect(statSync(join(root, HELLO_PATH)).mode & 0o777).toBe(0o444);
    expect(JSON.parse(readFileSync(join(root, 'mlops-remote.json'), 'utf8'))).toEqual({
      schema: 'mlops.remote/1',
    });
  });

  test('knows when an object came to be', async () => {
    const { root, store } = await share();
    await putHello(store);
    utimesSync(join(root, HELLO_PATH), 1_700_000_000, 1_700_000_000);
    expect(await store.stat(HELLO_KEY)).toEqual({ key: HELLO_KEY, size: 5, modified: 1_700_000_000_000 });
  });

  test('preparing it again changes nothing', async () => {
    const { root, store } = await share();
    await putHello(store);
    const before = statSync(join(root, 'mlops-remote.json'));
    await prepareDirectory(root);
    const { ino, mtimeMs } = statSync(join(root, 'mlops-remote.json'));
    expect({ ino, mtimeMs }).toEqual({ ino: before.ino, mtimeMs: before.mtimeMs });
    expect(await store.stat(HELLO_KEY)).toBeDefined();
  });

  test.each([
    ['is gone', (root: string) => renameSync(root, `${root}.unmounted`)],
    [
      'is an empty mount point',
      (root: string) => {
        renameSync(root, `${root}.unmounted`);
        mkdirSync(root);
      },
    ],
  ])('that %s is exit 7 in every call and nothing is created', async (_what, unmount) => {
    const { root, store } = await share();
    await putHello(store);
    unmount(root);
    const before = existsSync(root) ? readdirSync(root) : undefined;
    const list = (): Promise<unknown> => store.list('packs')[Symbol.asyncIterator]().next();
    for (const call of [
      () => putHello(store),
      () => store.get(HELLO_KEY),
      () => store.stat(HELLO_KEY),
      () => store.delete(HELLO_KEY),
      () => store.quarantine(HELLO_KEY, 'why'),
      list,
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'REMOTE_NOT_MOUNTED', exitCode: 7 });
    }
    expect(existsSync(root) ? readdirSync(root) : undefined).toEqual(before);
  });

  test('that goes away between put and commit is exit 7', async () => {
    const { root, store } = await share();
    const batch = store.batch();
    await batch.put(HELLO_KEY, HELLO);
    renameSync(root, `${root}.unmounted`);
    await expect(batch.commit()).rejects.toMatchObject({ exitCode: 7 });
    await batch.abort();
    expect(existsSync(root)).toBe(false);
  });

  test('is not made where its parent is missing', async () => {
    const path = join(scratchDirectory(), 'not-mounted', 'share');
    await expect(prepareDirectory(path)).rejects.toMatchObject({ code: 'REMOTE_NOT_MOUNTED', exitCode: 7 });
    expect(existsSync(join(path, '..'))).toBe(false);
  });

  test('that is a file is exit 7', async () => {
    const path = join(scratchDirectory(), 'file');
    writeFileSync(path, 'x');
    await expect(prepareDirectory(path)).rejects.toMatchObject({ exitCode: 7 });
    await expect(new DirectoryObjectStore(path).stat(HELLO_KEY)).rejects.toMatchObject({ exitCode: 7 });
  });

  test('may be reached through a link, but no link inside is followed', async () => {
    const { root } = await share();
    const outside = scratchDirectory();
    symlinkSync(root, join(outside, 'link'));
    const store = new DirectoryObjectStore(join(outside, 'link'));
    await putHello(store);
    expect(existsSync(join(root, HELLO_PATH))).toBe(true);
    const elsewhere = scratchDirectory();
    symlinkSync(elsewhere, join(root, 'manifests'));
    const batch = store.batch();
    await expect(batch.put({ kind: 'manifests', name: HELLO_KEY.name }, HELLO)).rejects.toMatchObject({
      code: 'UNSAFE_PATH',
      exitCode: 4,
    });
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('a writer who was faster is no conflict when it wrote the same bytes', async () => {
    const { root, store } = await share();
    const slow = store.batch();
    expect(await slow.put(HELLO_KEY, HELLO)).toBe('stored');
    await putHello(store);
    const { ino } = statSync(join(root, HELLO_PATH));
    await slow.commit();
    expect(statSync(join(root, HELLO_PATH)).ino).toBe(ino);
    expect(listFiles(root).toSorted()).toEqual(['mlops-remote.json', HELLO_PATH]);
  });

  test.each(['refuse', 'replace'] as const)(
    'damage that came between put and commit is not overwritten unseen: %s',
    async (onDamaged) => {
      const { root, store, damage } = await share();
      const slow = store.batch({ onDamaged });
      await slow.put(HELLO_KEY, HELLO);
      await putHello(store);
      await damage(HELLO_KEY, Buffer.from('hellO'));
      if (onDamaged === 'refuse') {
        await expect(slow.commit()).rejects.toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
        await slow.abort();
        expect(readFileSync(join(root, HELLO_PATH), 'utf8')).toBe('hellO');
        return;
      }
      await slow.commit();
      expect(readFileSync(join(root, HELLO_PATH), 'utf8')).toBe('hello');
      const [kept = ''] = listFiles(join(root, 'quarantine')).filter((name) => !name.endsWith('.json'));
      expect(readFileSync(join(root, 'quarantine', kept), 'utf8')).toBe('hellO');
    },
  );

  test('temporaries of other machines are left alone, those of dead processes here are removed', async () => {
    const { root, store } = await share();
    const { pid } = spawnSync(process.execPath, ['--version']);
    const leave = (mark: string): string => {
      const path = join(root, HELLO_PATH, '..', `.tmp-${pid}-${mark}01234567`);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, 'part of a pack');
      const time = new Date(Date.now() - 7_200_000);
      utimesSync(path, time, time);
      return path;
    };
    const ours = leave(hostMark());
    const foreign = leave(hostMark() === '00000000' ? '11111111' : '00000000');
    await putHello(store);
    expect(existsSync(ours)).toBe(false);
    expect(existsSync(foreign)).toBe(true);
  });
});
