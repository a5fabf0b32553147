import { spawnSync } from 'node:child_process';
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
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/storage/digest.ts';
import { AskFirstObjectStore } from '../../src/core/transfer/ask-first.ts';
import { FaultyObjectStore } from '../../src/storage/faulty.ts';
import { LimitedObjectStore } from '../../src/storage/limited.ts';
import { LocalObjectStore } from '../../src/storage/local/object-store.ts';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import type { ObjectKey, ObjectStore } from '../../src/storage/object-store.ts';
import { RetryingObjectStore } from '../../src/storage/retrying.ts';
import { runObjectStoreSuite, type ObjectStoreFixture } from './object-store.suite.ts';
import { listFiles, scratchDirectory } from './support/scratch.ts';

const HELLO = Buffer.from('hello');
const HELLO_KEY: ObjectKey = { kind: 'packs', name: sha256Hex(HELLO) };

function placeOf(root: string, { kind, name }: ObjectKey): string {
  return join(root, 'cache', kind, name.slice(0, 2), name);
}

function local(): ObjectStoreFixture & { root: string } {
  const root = scratchDirectory();
  const damage = (key: ObjectKey, bytes: Buffer): void => {
    chmodSync(placeOf(root, key), 0o644);
    writeFileSync(placeOf(root, key), bytes);
  };
  return { root, store: new LocalObjectStore(root), damage };
}

function memory(): ObjectStoreFixture {
  const store = new MemoryObjectStore();
  return { store, damage: (key, bytes) => store.damage(key, bytes) };
}

function wrapped(wrap: (store: ObjectStore) => ObjectStore): () => ObjectStoreFixture {
  return () => {
    const { store, damage } = local();
    return { store: wrap(store), damage };
  };
}

async function putHello(store: ObjectStore): Promise<void> {
  const batch = store.batch();
  await batch.put(HELLO_KEY, HELLO);
  await batch.commit();
}

runObjectStoreSuite('local', local);
runObjectStoreSuite('memory', memory);
runObjectStoreSuite(
  'limited',
  wrapped((store) => new LimitedObjectStore(store, 2)),
);
runObjectStoreSuite(
  'retrying',
  wrapped((store) => new RetryingObjectStore(store)),
);
runObjectStoreSuite(
  'faulty without faults',
  wrapped((store) => new FaultyObjectStore(store)),
);

runObjectStoreSuite(
  'asking first, agreed to',
  wrapped((store) => new AskFirstObjectStore(store, () => Promise.resolve())),
);

test('without a yes no request of any kind gets through, and one question is asked', async () => {
  const inner = new FaultyObjectStore(new MemoryObjectStore());
  let asked = 0;
  const store = new AskFirstObjectStore(inner, () => {
    asked += 1;
    return Promise.reject(new Error('the answer was no'));
  });
  const batch = store.batch();
  const requests = [
    () => batch.put(HELLO_KEY, Buffer.from('hello')),
    () => batch.store('packs', Buffer.from('hello')),
    () => batch.commit(),
    () => store.get(HELLO_KEY),
    () => store.stat(HELLO_KEY),
    () => store.list('packs')[Symbol.asyncIterator]().next(),
    () => store.delete(HELLO_KEY),
    () => store.quarantine(HELLO_KEY, 'why'),
    () => store.createOnly(),
  ];
  for (const request of requests) await expect(request()).rejects.toThrow('the answer was no');
  await batch.abort();
  expect(asked).toBe(1);
  expect(inner.log).toEqual([]);
});

describe('local objects', () => {
  test('are read-only files under their hash and leave no temporaries', async () => {
    const { root, store } = local();
    await putHello(store);
    expect(statSync(placeOf(root, HELLO_KEY)).mode & 0o777).toBe(0o444);
    expect(listFiles(join(root, 'cache'))).toEqual([`packs/${HELLO_KEY.name.slice(0, 2)}/${HELLO_KEY.name}`]);
  });

  test('abort and a refused put leave no file', async () => {
    const { root, store } = local();
    const batch = store.batch();
    await batch.put(HELLO_KEY, HELLO);
    await expect(batch.put({ kind: 'packs', name: 'b'.repeat(64) }, HELLO)).rejects.toMatchObject({
      exitCode: 3,
    });
    await batch.abort();
    expect(listFiles(join(root, 'cache'))).toEqual([]);
  });

  test('quarantine keeps the bytes and says why', async () => {
    const { root, store, damage } = local();
    await putHello(store);
    await damage(HELLO_KEY, Buffer.from('hellO'));
    const place = await store.quarantine(HELLO_KEY, 'it looked odd');
    expect(readFileSync(place, 'utf8')).toBe('hellO');
    expect(JSON.parse(readFileSync(`${place}.reason.json`, 'utf8'))).toMatchObject({
      reason: 'it looked odd',
    });
    expect(place.startsWith(join(root, 'cache', 'quarantine'))).toBe(true);
  });

  test('a temporary of another process is no object', async () => {
    const { root, store } = local();
    await putHello(store);
    writeFileSync(join(root, 'cache/packs', HELLO_KEY.name.slice(0, 2), '.tmp-1-0123456789abcdef'), 'x');
    const names: string[] = [];
    for await (const { key } of store.list('packs')) names.push(key.name);
    expect(names).toEqual([HELLO_KEY.name]);
  });

  test.each(['cache', 'cache/packs', `cache/packs/${HELLO_KEY.name.slice(0, 2)}`])(
    'a symbolic link at %s is never followed',
    async (path) => {
      const { root, store } = local();
      const elsewhere = scratchDirectory();
      mkdirSync(join(root, path, '..'), { recursive: true });
      symlinkSync(elsewhere, join(root, path));
      await expect(putHello(store)).rejects.toMatchObject({ code: 'UNSAFE_PATH', exitCode: 4 });
      await expect(store.get(HELLO_KEY)).rejects.toMatchObject({ exitCode: 4 });
      expect(readdirSync(elsewhere)).toEqual([]);
    },
  );

  test('an object that is a symbolic link is damaged, and replaced by the bytes', async () => {
    const { root, store } = local();
    await putHello(store);
    const outside = join(scratchDirectory(), 'outside');
    writeFileSync(outside, 'hello');
    rmSync(placeOf(root, HELLO_KEY));
    symlinkSync(outside, placeOf(root, HELLO_KEY));
    await expect(store.get(HELLO_KEY)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
    expect(await store.stat(HELLO_KEY)).toBeUndefined();
    await putHello(store);
    expect(Buffer.from(await store.get(HELLO_KEY)).toString()).toBe('hello');
    expect(readFileSync(outside, 'utf8')).toBe('hello');
  });

  test('a read-only cache is an I/O failure that names the place', async (ctx) => {
    if (process.getuid?.() === 0) return ctx.skip('root may write everywhere');
    const { root, store } = local();
    mkdirSync(join(root, 'cache'), { mode: 0o555 });
    await expect(putHello(store)).rejects.toMatchObject({ exitCode: 6 });
    expect(existsSync(placeOf(root, HELLO_KEY))).toBe(false);
  });
});

describe('what killed commands left', () => {
  const HOUR = 3_600_000;
  const place = join('cache', 'packs', 'aa');

  /** A process id that is free, because the process that had it has ended. */
  function deadPid(): number {
    const { pid } = spawnSync(process.execPath, ['--version']);
    return pid;
  }

  function leave(root: string, name: string, ageMs: number): string {
    mkdirSync(join(root, place), { recursive: true });
    const path = join(root, place, name);
    writeFileSync(path, 'part of a pack');
    const time = new Date(Date.now() - ageMs);
    utimesSync(path, time, time);
    return path;
  }

  test('is removed with the next batch when its process is dead and it is older than an hour', async () => {
    const { root, store } = local();
    const path = leave(root, `.tmp-${deadPid()}-0123456789abcdef`, 2 * HOUR);
    await putHello(store);
    expect(existsSync(path)).toBe(false);
    expect(existsSync(placeOf(root, HELLO_KEY))).toBe(true);
  });

  test.each([
    ['its process lives', () => `.tmp-${process.pid}-0123456789abcdef`, 2 * HOUR],
    ['it is young', () => `.tmp-${deadPid()}-0123456789abcdef`, HOUR / 2],
    ['its name is not one of ours', () => `.tmp-${deadPid()}-mine`, 2 * HOUR],
    ['it is an object', () => 'a'.repeat(64), 2 * HOUR],
  ])('is kept when %s', async (_why, name, age) => {
    const { root, store } = local();
    const path = leave(root, name(), age);
    await putHello(store);
    expect(existsSync(path)).toBe(true);
  });

  test('is not looked for through links', async () => {
    const { root, store } = local();
    const outside = scratchDirectory();
    const path = leave(outside, `.tmp-${deadPid()}-0123456789abcdef`, 2 * HOUR);
    mkdirSync(join(root, 'cache/packs'), { recursive: true });
    symlinkSync(join(outside, place), join(root, place));
    await putHello(store);
    expect(existsSync(path)).toBe(true);
  });
});

describe('limited', () => {
  test('never lets more calls in than allowed', async () => {
    let running = 0;
    let most = 0;
    const inner = new MemoryObjectStore();
    const store = new LimitedObjectStore(
      Object.assign(Object.create(inner) as ObjectStore, {
        stat: async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setImmediate(resolve));
          running -= 1;
          return undefined;
        },
      }),
      3,
    );
    await Promise.all(Array.from({ length: 20 }, () => store.stat(HELLO_KEY)));
    expect(most).toBe(3);
  });

  test('a failing call gives its place back', async () => {
    const store = new LimitedObjectStore(new MemoryObjectStore(), 1);
    await expect(store.get(HELLO_KEY)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    expect(await store.stat(HELLO_KEY)).toBeUndefined();
  });
});

describe('retrying', () => {
  test('repeats what may pass, with growing pauses', async () => {
    const pauses: number[] = [];
    const faulty = new FaultyObjectStore(new MemoryObjectStore(), [
      { call: 'stat', nth: 1, fault: { errno: 'ETIMEDOUT' } },
      { call: 'stat', nth: 2, fault: { errno: 'EBUSY' } },
    ]);
    const sleep = async (milliseconds: number): Promise<void> => void pauses.push(milliseconds);
    const store = new RetryingObjectStore(faulty, { sleep, random: () => 1, firstDelay: 100 });
    expect(await store.stat(HELLO_KEY)).toBeUndefined();
    expect(pauses).toEqual([100, 200]);
  });

  test.each(['ENOSPC', 'EACCES', 'EIO'])('does not repeat %s', async (errno) => {
    const faulty = new FaultyObjectStore(new MemoryObjectStore(), [
      { call: 'get', nth: 1, fault: { errno } },
    ]);
    const store = new RetryingObjectStore(faulty, { sleep: () => Promise.reject(new Error('slept')) });
    await expect(store.get(HELLO_KEY)).rejects.toMatchObject({ code: errno });
    expect(faulty.log).toHaveLength(1);
  });

  test('gives up with the last error', async () => {
    const script = [1, 2, 3].map((nth) => ({ call: 'get' as const, nth, fault: { errno: 'ECONNRESET' } }));
    const faulty = new FaultyObjectStore(new MemoryObjectStore(), script);
    const store = new RetryingObjectStore(faulty, { attempts: 3, sleep: () => Promise.resolve() });
    await expect(store.get(HELLO_KEY)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(faulty.log).toHaveLength(3);
  });
});

describe('faulty', () => {
  test.each(['flip-last-byte', 'truncate'] as const)(
    '%s on the way in is noticed by the store',
    async (fault) => {
      const { root, store } = local();
      const faulty = new FaultyObjectStore(store, [{ call: 'put', nth: 1, fault }]);
      await expect(putHello(faulty)).rejects.toMatchObject({ code: 'OBJECT_ALTERED', exitCode: 3 });
      expect(listFiles(join(root, 'cache'))).toEqual([]);
    },
  );
});
