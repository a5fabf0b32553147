import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { errorOf, mlops, type Finished } from '../support/binary.ts';
import { copyRepository, observed, sharedRepository } from '../support/fault-repository.ts';
import {
  contentsOf,
  expectRestores,
  keysOf,
  lies,
  objectsHere,
  proxied,
  pushedContents,
  remoteCase,
  saveThird,
  THIRD,
  useBucket,
  wrong,
  type RemoteCase,
} from '../support/fault-remote.ts';
import type { Fault } from '../support/s3-server/faults.ts';

const shared = sharedRepository();
let complete: ReadonlyMap<string, Buffer>;
beforeAll(async () => {
  await saveThird(shared());
  complete = await pushedContents(shared());
});

const PACK = /\/packs\/[0-9a-f]{2}\/[0-9a-f]{64}$/;

/** What a push without faults leaves in the bucket. */
async function expectPushes(at: RemoteCase): Promise<void> {
  const { code, stderr } = await at.run('push');
  expect([code, stderr]).toEqual([0, '']);
  expect(await lies(at.server)).toEqual([]);
  expect(keysOf(await contentsOf(at.server), 'layouts')).toHaveLength(3);
}

describe('push survives what passes', () => {
  test.for<[string, Fault, number]>([
    ['503 three times, with Retry-After (C1)', { type: 'status', status: 503, retryAfterSeconds: 1 }, 3],
    ['a reset in the middle of a body', { type: 'reset-request', afterBytes: 70_000 }, 3],
    ['a 500 for a write that was carried out', { type: 'status', status: 500, performed: true }, 2],
    ['409 because of another writer (C12)', { type: 'status', status: 409 }, 2],
  ])('%s', async ([, fault, times]) => {
    const at = await remoteCase(shared());
    const rule = at.server.faults.add({ operation: 'PutObject', key: PACK, times, fault });
    const before = observed(at.repository);
    const started = performance.now();
    await expectPushes(at);
    expect(rule.hits).toBe(times);
    // Three packs, three manifests, three layouts, twice the marker, and what went wrong.
    expect(at.server.log.of('PutObject').length).toBeLessThanOrEqual(11 + times);
    if (fault.type === 'status' && fault.retryAfterSeconds !== undefined)
      expect(performance.now() - started).toBeGreaterThanOrEqual(1000 * fault.retryAfterSeconds);
    expect(wrong(observed(at.repository), before)).toEqual([]);
    if (fault.type === 'reset-request') await expectRestores(at, 'v3', THIRD);
  });

  test('a slow line that cuts everything into small pieces', async () => {
    const at = await remoteCase(shared());
    const proxy = await proxied(at.server);
    proxy.add({ fault: { type: 'latency', ms: 3 } });
    proxy.add({ fault: { type: 'drip', bytes: 8_000, intervalMs: 1 } });
    await useBucket(at.repository.root, { bucket: at.server.bucket, endpoint: proxy.endpoint });
    await expectPushes(at);
  });
});

describe('push gives up what does not pass, and the next one goes on', () => {
  test('a token that expires in the middle (C14)', async () => {
    const at = await remoteCase(shared());
    const fault: Fault = { type: 'status', status: 400, code: 'ExpiredToken' };
    at.server.faults.add({ operation: 'PutObject', key: PACK, skip: 1, fault });
    const error = await at.fails(7, 'push', '--jobs', '1');
    expect(error).toMatchObject({ code: 'REMOTE_CREDENTIALS_EXPIRED' });
    expect(error.hint).toMatch(/aws sso login/);
    expect(keysOf(at.server.objects, 'layouts')).toEqual([]);
    const [there = ''] = keysOf(at.server.objects, 'packs');
    at.server.faults.clear();
    at.server.log.clear();
    await expectPushes(at);
    expect(at.server.log.of('PutObject').map(({ key }) => key)).not.toContain(there);
  });

  test.for<[string, Fault]>([
    ['answers that come byte by byte (C17)', { type: 'drip', bytes: 1, intervalMs: 20 }],
    ['a connection that falls silent (C17)', { type: 'hang' }],
  ])('%s', async ([, fault]) => {
    const at = await remoteCase(shared(), {
      env: { MLOPS_REMOTE_TIMEOUT: '0.6', MLOPS_REMOTE_ATTEMPTS: '2' },
    });
    const proxy = await proxied(at.server);
    await useBucket(at.repository.root, { bucket: at.server.bucket, endpoint: proxy.endpoint });
    if (fault.type === 'drip') proxy.add({ fault, direction: 'down' });
    else proxy.add({ fault: { type: 'blackhole', afterBytes: 100_000 }, direction: 'up' });
    const error = await at.fails(7, 'push');
    expect(error.code).toBe('REMOTE_UNREACHABLE');
    expect(error.message).toMatch(/in bucket "test-bucket" at 127\.0\.0\.1:\d+: .*2 attempts/);
    expect(keysOf(at.server.objects, 'layouts')).toEqual([]);
    proxy.clear();
    await useBucket(at.repository.root, { bucket: at.server.bucket, endpoint: at.server.endpoint });
    await expectPushes({ ...at, run: (...argv) => patiently(at, ...argv) });
  });
});

/** Without the short limit of the case. */
function patiently({ repository }: RemoteCase, ...argv: string[]): Promise<Finished> {
  const { root, env } = repository;
  return mlops(argv, { cwd: root, env: { ...env, MLOPS_REMOTE_TIMEOUT: '20', MLOPS_REMOTE_ATTEMPTS: '5' } });
}

describe('push never calls anything present that is not', () => {
  test.for(['absent', 'short', 'altered'] as const)(
    'a write that is answered as if it had worked: %s (C8)',
    async (how) => {
      const at = await remoteCase(shared());
      const fault: Fault = { type: 'lost-write', how };
      const rule = at.server.faults.add({ operation: 'PutObject', key: PACK, times: 1, fault });
      const pushed = await at.run('--json', 'push');
      expect(rule.hits).toBe(1);
      if (how === 'altered') {
        // No size and no checksum of the store gives it away, but reading does.
        expect((await at.run('verify', '--remote')).code).toBe(3);
      } else {
        expect(pushed.code, pushed.stderr).toBe(3);
        expect(errorOf(pushed).code).toMatch(/^REMOTE_OBJECT_(MISSING|DAMAGED)$/);
        expect(await lies(at.server)).not.toContainEqual(expect.stringContaining('lacks pack'));
      }
      expect((await at.run('push', '--repair')).code).toBe(0);
      expect(await lies(at.server)).toEqual([]);
      if (how === 'altered') await expectRestores(at, 'v3', THIRD);
    },
  );

  test.for(['packs', 'manifests', 'layouts'] as const)(
    'an object that was deleted there after an earlier push: %s (C9)',
    async (kind) => {
      const at = await remoteCase(shared(), { contents: complete });
      const [key = ''] = keysOf(at.server.objects, kind);
      at.server.objects.delete(key);
      if (kind === 'packs') expect((await at.run('status', '--remote')).code).toBe(1);
      const again = await at.run('push');
      expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/: 1 object, /)]);
      expect(await lies(at.server)).toEqual([]);
      expect(at.server.objects.entry(key)).toBeDefined();
      expect(await at.run('push')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Up to date/) });
    },
  );

  test.for(['cut', 'flipped'] as const)('an object that rotted there: %s (C10)', async (how) => {
    const at = await remoteCase(shared(), { contents: complete });
    const [key = ''] = keysOf(at.server.objects, 'packs');
    if (how === 'cut') at.server.objects.truncate(key, 100);
    else at.server.objects.flip(key, 50);
    const bad = await at.server.objects.get(key);
    if (how === 'cut') expect((await at.fails(3, 'push')).code).toBe('REMOTE_OBJECT_DAMAGED');
    const found = await at.run('--json', 'verify', '--remote');
    expect([found.code, found.stdout]).toEqual([3, expect.stringContaining(key.split('/').at(-1) ?? '')]);
    expect(bad !== undefined && (await at.server.objects.get(key))?.equals(bad)).toBe(true);
    expect((await at.run('push', '--repair')).code).toBe(0);
    expect(await lies(at.server)).toEqual([]);
    const kept = at.server.objects.keys().filter((each) => each.includes('quarantine/'));
    const copies = await Promise.all(kept.map((each) => at.server.objects.get(each)));
    expect(copies.some((copy) => bad !== undefined && copy?.equals(bad) === true)).toBe(true);
    await expectRestores(at, 'v3', THIRD);
  });

  test('a file that is missing here: no layout of its version, and it is named (C11)', async () => {
    const fixture = await copyRepository(shared());
    const at = await remoteCase(fixture);
    const [, , third = ''] = await packsByVersion(at);
    await rm(join(at.repository.root, '.mlops/cache', third));
    const outcome = await at.run('--json', 'push');
    expect(outcome.code).toBe(3);
    expect(errorOf(outcome)).toMatchObject({ code: 'OBJECT_MISSING' });
    expect(errorOf(outcome).message).toMatch(/demo@v3: blobs are missing here for .*more\.bin/);
    expect(await lies(at.server)).toEqual([]);
    expect(keysOf(at.server.objects, 'layouts')).toHaveLength(2);
    expect(keysOf(at.server.objects, 'manifests')).toHaveLength(2);
  });
});

/** Packs here, the oldest version's first: each version has one. */
async function packsByVersion({ repository }: RemoteCase): Promise<string[]> {
  const packs = objectsHere(repository, 'packs');
  const times = await Promise.all(
    packs.map(async (path) => (await stat(join(repository.root, '.mlops/cache', path))).mtimeMs),
  );
  return packs.toSorted((a, b) => (times[packs.indexOf(a)] ?? 0) - (times[packs.indexOf(b)] ?? 0));
}

describe('push to stores and beside writers of another kind', () => {
  test('two at once: both succeed, and every object is there once and whole (C12)', async () => {
    const at = await remoteCase(shared());
    const other = await copyRepository(at.repository);
    const beside = { ...at, repository: { ...at.repository, root: other.root } };
    const outcomes = await Promise.all([at.run('push'), patiently(beside, 'push')]);
    expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    expect(await lies(at.server)).toEqual([]);
    await expectRestores(at, 'v3', THIRD);
  });

  test.for(['ignored', 'not-implemented'] as const)(
    'a store without create-only writes (%s) is warned of once and checked after each write (C13)',
    async (conditionalWrites) => {
      const at = await remoteCase(shared(), { server: { conditionalWrites } });
      const { code, stderr } = await at.run('push');
      expect(code).toBe(0);
      expect(stderr.match(/create-only/g)).toHaveLength(1);
      expect(await lies(at.server)).toEqual([]);
      const checked = new Set(at.server.log.of('HeadObject').map(({ key }) => key));
      for (const key of keysOf(at.server.objects, 'packs')) expect(checked).toContain(key);
    },
  );
});
