import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLocalDocumentStore } from '../../src/storage/local/document-store.ts';
import { tempDirectory } from '../support/temp-repo.ts';
import { runDocumentStoreSuite } from './document-store.suite.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const UNSAFE = { code: 'UNSAFE_PATH', exitCode: 4 };

runDocumentStoreSuite('local', async () => {
  let aheadMs = 0;
  const store = createLocalDocumentStore(join(await tempDirectory(), '.mlops'), {
    now: () => Date.now() + aheadMs,
  });
  return { store, settle: () => (aheadMs = 10_000) };
});

async function openStore(now?: () => number) {
  const base = await tempDirectory();
  const root = join(base, '.mlops');
  mkdirSync(root);
  return { base, root, store: createLocalDocumentStore(root, now === undefined ? {} : { now }) };
}

describe('links and special files', () => {
  it('refuses a .mlops that is a symbolic link', async () => {
    const base = await tempDirectory();
    mkdirSync(join(base, 'elsewhere'));
    symlinkSync('elsewhere', join(base, '.mlops'));
    const store = createLocalDocumentStore(join(base, '.mlops'));
    await expect(store.read('a.json')).rejects.toMatchObject(UNSAFE);
    await expect(store.write('a.json', bytes('x'))).rejects.toMatchObject(UNSAFE);
    await expect(store.readDirectory('models')).rejects.toMatchObject(UNSAFE);
    expect(readdirSync(join(base, 'elsewhere'))).toEqual([]);
  });

  it('refuses a directory below that is a symbolic link, for reading and writing', async () => {
    const { base, root, store } = await openStore();
    mkdirSync(join(base, 'outside'));
    writeFileSync(join(base, 'outside', 'a.json'), 'secret');
    symlinkSync(join(base, 'outside'), join(root, 'models'));
    await expect(store.read('models/a.json')).rejects.toMatchObject(UNSAFE);
    await expect(store.readDirectory('models')).rejects.toMatchObject(UNSAFE);
    await expect(store.listDirectories('models')).rejects.toMatchObject(UNSAFE);
    await expect(store.listDirectories('')).rejects.toMatchObject(UNSAFE);
    await expect(store.write('models/b.json', bytes('x'))).rejects.toMatchObject(UNSAFE);
    await expect(store.write('models/deep/b.json', bytes('x'))).rejects.toMatchObject(UNSAFE);
    await expect(store.remove('models/a.json')).rejects.toMatchObject(UNSAFE);
    expect(readdirSync(join(base, 'outside'))).toEqual(['a.json']);
  });

  it('refuses a file that is a symbolic link, to the inside, to the outside or to nothing', async () => {
    const { base, root, store } = await openStore();
    writeFileSync(join(base, 'secret'), 'secret');
    writeFileSync(join(root, 'real.json'), '{}');
    symlinkSync(join(base, 'secret'), join(root, 'out.json'));
    symlinkSync('real.json', join(root, 'in.json'));
    symlinkSync('nothing', join(root, 'dangling.json'));
    for (const name of ['out.json', 'in.json', 'dangling.json']) {
      await expect(store.read(name)).rejects.toMatchObject(UNSAFE);
      await expect(store.write(name, bytes('x'))).rejects.toMatchObject(UNSAFE);
      await expect(store.create(name, bytes('x'))).rejects.toMatchObject(UNSAFE);
      await expect(store.remove(name)).rejects.toMatchObject(UNSAFE);
    }
    await expect(store.readDirectory('')).rejects.toMatchObject(UNSAFE);
    expect(readFileSync(join(base, 'secret'), 'utf8')).toBe('secret');
  });

  it('refuses a FIFO without waiting for somebody to write into it', async (ctx) => {
    const { root, store } = await openStore();
    try {
      execFileSync('mkfifo', [join(root, 'pipe.json')]);
    } catch {
      ctx.skip('there is no mkfifo here');
    }
    await expect(store.read('pipe.json')).rejects.toMatchObject(UNSAFE);
    await expect(store.readDirectory('')).rejects.toMatchObject(UNSAFE);
  });

  it('refuses a socket', async (ctx) => {
    const { root, store } = await openStore();
    const server = createServer();
    const path = join(root, 's.json');
    if (path.length > 100 || process.platform === 'win32') ctx.skip('a socket can not have this path here');
    await new Promise<void>((done) => server.listen(path, done));
    await expect(store.read('s.json')).rejects.toMatchObject(UNSAFE);
    await new Promise((done) => server.close(done));
  });

  it('refuses a file that was swapped for a link after it was listed', async () => {
    const { base, root, store } = await openStore();
    writeFileSync(join(base, 'secret'), 'secret');
    writeFileSync(join(root, 'a.json'), '{}');
    const [file] = await store.readDirectory('');
    execFileSync('ln', ['-sf', join(base, 'secret'), join(root, 'a.json')]);
    expect(() => file?.read()).toThrow(/symbolic link/);
  });
});

describe('fingerprints', () => {
  it('has none for a file that changed less than two seconds ago', async () => {
    const { root, store } = await openStore();
    writeFileSync(join(root, 'a.json'), '{}');
    expect((await store.readDirectory(''))[0]?.fingerprint).toBeUndefined();
  });

  it('has none for a file whose time lies in the future', async () => {
    const { root, store } = await openStore(() => Date.now() + 60_000);
    writeFileSync(join(root, 'a.json'), '{}');
    const future = new Date(Date.now() + 3_600_000);
    utimesSync(join(root, 'a.json'), future, future);
    expect((await store.readDirectory(''))[0]?.fingerprint).toBeUndefined();
  });

  it('has none when only the contents look old, because somebody set the modification time back', async () => {
    const { root, store } = await openStore();
    writeFileSync(join(root, 'a.json'), '{}');
    utimesSync(join(root, 'a.json'), new Date(0), new Date(0));
    expect((await store.readDirectory(''))[0]?.fingerprint).toBeUndefined();
  });

  it('sees an edit that keeps size and modification time', async () => {
    const { root, store } = await openStore(() => Date.now() + 60_000);
    const path = join(root, 'a.json');
    const old = new Date('2020-01-01');
    writeFileSync(path, '{"a":1}');
    utimesSync(path, old, old);
    const [before] = await store.readDirectory('');
    await new Promise((done) => setTimeout(done, 30));
    writeFileSync(path, '{"a":2}');
    utimesSync(path, old, old);
    const [after] = await store.readDirectory('');
    expect(before?.fingerprint).toBeTypeOf('string');
    expect(after?.fingerprint).not.toBe(before?.fingerprint);
  });
});

describe('on the disk', () => {
  it('creates missing directories, leaves no temporaries and ignores those of others', async () => {
    const base = await tempDirectory();
    const store = createLocalDocumentStore(join(base, '.mlops'));
    await store.create('models/m/versions/v1.json', bytes('{}'));
    await store.write('models/m/versions/v1.json', bytes('{ }'));
    const directory = join(base, '.mlops', 'models', 'm', 'versions');
    expect(readdirSync(directory)).toEqual(['v1.json']);
    writeFileSync(join(directory, '.tmp-1-0123456789abcdef'), 'half');
    expect((await store.readDirectory('models/m/versions')).map((file) => file.name)).toEqual(['v1.json']);
  });

  it('keeps the old bytes and says so when the directory can not be written', async (ctx) => {
    const { root, store } = await openStore();
    await store.write('d/a.json', bytes('old'));
    if (process.getuid?.() === 0) ctx.skip('root may write everywhere');
    chmodSync(join(root, 'd'), 0o555);
    await expect(store.write('d/a.json', bytes('new'))).rejects.toMatchObject({ exitCode: 6 });
    chmodSync(join(root, 'd'), 0o755);
    expect(readFileSync(join(root, 'd', 'a.json'), 'utf8')).toBe('old');
  });

  it('refuses a document beyond 10 MiB without reading it', async () => {
    const { root, store } = await openStore();
    writeFileSync(join(root, 'a.json'), '');
    truncateSync(join(root, 'a.json'), 50 * 1024 ** 3);
    await expect(store.read('a.json')).rejects.toMatchObject({ code: 'DOCUMENT_TOO_LARGE', exitCode: 3 });
  });

  it('never fails for a cache that can not be kept or read', async () => {
    const { base, root, store } = await openStore();
    mkdirSync(join(base, 'outside'));
    symlinkSync(join(base, 'outside'), join(root, 'cache'));
    await store.writeCache('x', bytes('1'));
    expect(await store.readCache('x')).toBeUndefined();
    expect(readdirSync(join(base, 'outside'))).toEqual([]);

    const other = createLocalDocumentStore(join(base, 'file'));
    writeFileSync(join(base, 'file'), 'no directory');
    await other.writeCache('x', bytes('1'));
    expect(await other.readCache('x')).toBeUndefined();
    await store.writeCache('../../escape', bytes('1'));
    expect(existsSync(join(base, 'escape'))).toBe(false);
  });

  it('keeps caches below cache/index', async () => {
    const { root, store } = await openStore();
    await store.writeCache('registry.json', bytes('1'));
    expect(readdirSync(join(root, 'cache', 'index'))).toEqual(['registry.json']);
    expect(lstatSync(join(root, 'cache', 'index', 'registry.json')).isFile()).toBe(true);
  });
});
