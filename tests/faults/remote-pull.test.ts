import { readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { errorOf, mlops } from '../support/binary.ts';
import { fillBut, smallFileSystem } from '../support/fault-machine.ts';
import { observed, sharedRepository } from '../support/fault-repository.ts';
import {
  keysOf,
  moveInto,
  objectsHere,
  proxied,
  pushedContents,
  quarantined,
  remoteCase,
  saveThird,
  useBucket,
  wrong,
  type RemoteCase,
  type RemoteCaseOptions,
} from '../support/fault-remote.ts';
import { violations } from '../support/invariants.ts';
import { openTempRepo } from '../support/temp-repo.ts';
import type { Fault } from '../support/s3-server/faults.ts';

const shared = sharedRepository();
let complete: ReadonlyMap<string, Buffer>;
beforeAll(async () => {
  await saveThird(shared());
  complete = await pushedContents(shared());
});

const PACK = /\/packs\/[0-9a-f]{2}\/[0-9a-f]{64}$/;

/** A clone without objects, and a bucket with all of them. */
function receiver(options: RemoteCaseOptions = {}): Promise<RemoteCase> {
  return remoteCase(shared(), { contents: complete, empty: true, ...options });
}

/** Everything is here, byte for byte: an object's name is the hash of its bytes. */
async function expectComplete(at: RemoteCase): Promise<void> {
  const verified = await at.run('verify', '--deep');
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  expect(violations(observed(at.repository))).toEqual([]);
}

const ONCE: readonly [string, Fault][] = [
  ['a truncated body (C3)', { type: 'truncate', bytes: 100_000 }],
  ['a reset (C3)', { type: 'reset-response', afterBytes: 100_000 }],
  ['a short body with a length that fits (C4)', { type: 'short', bytes: 100_000 }],
  ['an error document with status 200 (C4)', { type: 'html-200', body: 'error-xml' }],
  ['a flipped bit (C5)', { type: 'flip', at: 1000 }],
  ['another range than was asked for (C6)', { type: 'wrong-range', how: 'shifted' }],
  ['the whole object instead of a range (C6)', { type: 'wrong-range', how: 'ignored' }],
  ['416 (C6)', { type: 'wrong-range', how: 'unsatisfiable' }],
  ['another ETag (C6)', { type: 'etag', etag: 'f'.repeat(32) }],
];
/** What never passes: exit 3 where bytes are wrong, 7 where the line or the server is. */
const FOR_EVER: Readonly<Partial<Record<Fault['type'], number>>> = {
  truncate: 7,
  'reset-response': 7,
  short: 3,
  'html-200': 7,
  flip: 3,
};

describe('fetch', () => {
  test.for(ONCE)(
    '%s, once: all arrives; for ever: exit 3 or 7, and nothing wrong is kept',
    async ([, fault]) => {
      const at = await receiver({ env: { MLOPS_REMOTE_ATTEMPTS: '3' } });
      const forEver = FOR_EVER[fault.type];
      if (forEver !== undefined) {
        const rule = at.server.faults.add({ operation: 'GetObject', key: PACK, fault });
        const failed = await at.fails(forEver, 'fetch', '--all');
        if (forEver === 7)
          expect(failed.message).toMatch(/GetObject in bucket "test-bucket" at 127\.0\.0\.1:\d+/);
        else expect(failed.code).toMatch(/^REMOTE_OBJECT_(DAMAGED|MISSING)$/);
        rule.remove();
      }
      const once = at.server.faults.add({ operation: 'GetObject', key: PACK, times: 1, fault });
      const fetched = await at.run('fetch', '--all');
      expect([once.hits, fetched.code]).toEqual([1, 0]);
      if (fault.type === 'wrong-range')
        expect(
          at.server.log
            .all()
            .some(({ fault: type, headers }) => type === 'wrong-range' && headers['range'] !== undefined),
        ).toBe(true);
      await expectComplete(at);
    },
  );

  test('a line that breaks, and then delivers crumbs (C3)', async () => {
    const at = await receiver();
    const proxy = await proxied(at.server);
    const { root } = at.repository;
    await useBucket(root, { bucket: at.server.bucket, endpoint: proxy.endpoint });
    for (const connection of [1, 2, 3])
      proxy.add({ fault: { type: 'reset', afterBytes: 50_000 }, direction: 'down', connection });
    proxy.add({ fault: { type: 'drip', bytes: 9_000, intervalMs: 1 }, direction: 'down' });
    const fetched = await at.run('fetch', '--all');
    expect([fetched.code, fetched.stderr]).toEqual([0, '']);
    expect(proxy.connections.length).toBeGreaterThan(1);
    await expectComplete(at);
  });

  test.for(['half', 'no-token', 'token-loop', 'cut-xml', 'empty'] as const)(
    'a listing that lies (%s) never counts as all there is (C15)',
    async (how) => {
      const at = await receiver({ env: { MLOPS_REMOTE_ATTEMPTS: '2' } });
      at.server.faults.add({ operation: 'ListObjectsV2', fault: { type: 'list', how } });
      const before = observed(at.repository);
      const outcome = await at.run('--json', 'fetch', '--all');
      // A page that is whole and empty can only be taken for what it says: then the objects are called missing, and not up to date.
      expect(outcome.code).toBe(how === 'empty' ? 3 : 7);
      expect(outcome.stdout).not.toContain('Up to date');
      if (how !== 'empty') expect(errorOf(outcome).message).toMatch(/ListObjectsV2 in bucket/);
      expect(wrong(observed(at.repository), before)).toEqual([]);
      at.server.faults.clear();
      expect((await at.run('fetch', '--all')).code).toBe(0);
      await expectComplete(at);
    },
  );
});

describe('pull', () => {
  test('objects altered there: exit 3, a copy in quarantine, the rest restored (C5)', async () => {
    const at = await receiver();
    const keys = keysOf(at.server.objects, 'packs').toSorted(
      (a, b) => (complete.get(a)?.length ?? 0) - (complete.get(b)?.length ?? 0),
    );
    // Of the third version only: what was new in it.
    const altered = keys.find(
      (key) => (complete.get(key)?.length ?? 0) > 250_000 && (complete.get(key)?.length ?? 0) < 400_000,
    );
    at.server.objects.flip(altered ?? '', 1000);
    const error = await at.fails(3, 'pull', '--all');
    expect(error).toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED' });
    expect(error.message).toMatch(/demo@v3: .*more\.bin/);
    expect(error.message).not.toMatch(/demo@v[12]/);
    expect((await quarantined(at.repository)).some((name) => name.startsWith('remote-packs-'))).toBe(true);
    expect((await at.run('load', 'demo@v2', '-o', 'two')).code).toBe(0);
    expect((await at.run('load', 'demo@v3', '-o', 'three', '--offline')).code).toBe(3);
    expect(at.server.log.all().every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(true);
  });

  test('a disk that is too small: exit 6 before anything is downloaded (C16)', async (ctx) => {
    const mounted = await smallFileSystem(6 * 1024 * 1024);
    if (!mounted.ok) return ctx.skip(mounted.reason);
    const at = await receiver();
    const repository = await moveInto(at.repository, mounted.value);
    const { root, env } = repository;
    fillBut(mounted.value, 60);
    const before = observed(repository);
    const outcome = await mlops(['--json', 'pull', '--all'], { cwd: root, env });
    expect(outcome.code, outcome.stderr).toBe(6);
    expect(errorOf(outcome)).toMatchObject({ code: 'DISK_FULL' });
    expect(errorOf(outcome).message).toMatch(/\d+ bytes .*\d+ are free; nothing was downloaded/);
    expect(at.server.log.of('GetObject').filter(({ key }) => PACK.test(key))).toEqual([]);
    expect(wrong(observed(repository), before)).toEqual([]);
    expect(objectsHere(repository, 'packs')).toEqual([]);
  });
});

const CONTENT = Buffer.alloc(4 * 1024 * 1024, 'compresses well\n');
/** What restores `CONTENT`, and where to. */
const RESTORING: readonly [string, string[], string][] = [
  ['pull', ['pull', 'data/big.txt'], 'data/big.txt'],
  ['checkout', ['checkout'], 'data/big.txt'],
  ['load', ['load', 'big@v1', '-o', 'out'], 'out/big.txt'],
  ['load --file', ['load', 'big@v1', '--file', 'big.txt', '-o', 'out'], 'out/big.txt'],
  ['get', ['get', '.', 'big@v1', '-o', 'out', '--yes'], 'out/big.txt'],
];

describe('a disk with room for the objects and not for the files', () => {
  /** A clone without objects, of which a bucket has the data `data/big.txt` and the version `big@v1`. */
  async function bigCase(): Promise<RemoteCase> {
    const at = await remoteCase(shared());
    const { repository, server } = at;
    const repo = openTempRepo(repository.root, repository.env);
    for (const path of ['data/big.txt', 'model/big.txt']) await repo.write(path, CONTENT);
    await repo.write('model/small.txt', 'small\n');
    const remote = ['remote', 'add', 'origin', `s3://${server.bucket}/team`, '--endpoint', server.endpoint];
    for (const argv of [
      ['data', 'add', 'data/big.txt'],
      ['save', 'big', 'model', '--version', 'v1'],
      ['push', 'data/big.txt', 'big@v1'],
      [...remote, '--default'],
    ]) {
      const { code, stderr } = await at.run(...argv);
      expect(code, `${argv.join(' ')}: ${stderr}`).toBe(0);
    }
    await repo.git('add', '.mlops');
    await repo.git('commit', '--quiet', '-m', 'big');
    for (const path of ['.mlops/cache', 'data/big.txt', 'model'])
      await rm(join(repository.root, path), { recursive: true });
    server.log.clear();
    return at;
  }

  test.for(RESTORING)(
    '%s: exit 6 before anything is downloaded, and enough room is enough (C16)',
    async ([, argv, target], ctx) => {
      const mounted = await smallFileSystem(16 * 1024 * 1024);
      if (!mounted.ok) return ctx.skip(mounted.reason);
      const at = await bigCase();
      const repository = await moveInto(at.repository, mounted.value);
      const { root, env } = repository;
      const filler = fillBut(mounted.value, 1000);
      const before = observed(repository);
      const outcome = await mlops(['--json', ...argv], { cwd: root, env });
      expect(outcome.code, outcome.stderr).toBe(6);
      const { code, message } = errorOf(outcome);
      expect(code).toBe('DISK_FULL');
      const needed = CONTENT.length + (target.startsWith('data') || argv.includes('--file') ? 0 : 6);
      expect(message).toContain(
        `${needed + 1024 * 1024} ${argv[0] === 'get' ? 'bytes' : 'more'} are needed to restore files`,
      );
      expect(message).toMatch(/and \d+ are free; nothing was downloaded/);
      expect(at.server.log.of('GetObject').filter(({ key }) => PACK.test(key))).toEqual([]);
      expect(wrong(observed(repository), before)).toEqual([]);
      await truncate(filler, (await stat(filler)).size - 4 * 1024 * 1024);
      const restored = await mlops(argv, { cwd: root, env });
      expect([restored.code, restored.stderr]).toEqual([0, '']);
      expect((await readFile(join(root, target))).equals(CONTENT)).toBe(true);
    },
  );

  test('load --file asks for no more room than these files need (C16)', async (ctx) => {
    const mounted = await smallFileSystem(16 * 1024 * 1024);
    if (!mounted.ok) return ctx.skip(mounted.reason);
    const at = await bigCase();
    const { root, env } = await moveInto(at.repository, mounted.value);
    fillBut(mounted.value, 1000);
    const loaded = await mlops(['load', 'big@v1', '--file', 'small.txt', '-o', 'out'], { cwd: root, env });
    expect([loaded.code, loaded.stderr]).toEqual([0, '']);
    expect(await readFile(join(root, 'out/small.txt'), 'utf8')).toBe('small\n');
  });
});
