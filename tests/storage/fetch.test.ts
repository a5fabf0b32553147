import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MIB, pushTree } from './support/pushed.ts';
import { bytesOf, clone, faulty, namesOf, type Clone } from './support/transfer-fixtures.ts';
import { noise, writeTree } from './support/scratch.ts';

async function restoredFile(to: Clone, digest: string, path: string): Promise<Buffer> {
  await to.store.restore(digest, 'out', { force: true });
  return readFileSync(join(to.root, 'out', path));
}

test('packs come whole, with one request each, and stay as they are', async () => {
  const { digest, remote } = await pushTree({ 'a.bin': noise(20 * MIB), 'b.txt': 'text' });
  const to = clone();
  const logged = faulty(remote);
  const fetched = await to.store.transfer(logged).fetch([digest]);
  expect(await namesOf(to.objects, 'packs')).toEqual(await namesOf(remote, 'packs'));
  expect(logged.log.filter((entry) => entry.startsWith('get packs'))).toHaveLength(2);
  const bytes = (await bytesOf(remote, 'packs')) + (await bytesOf(remote, 'manifests'));
  expect(fetched).toEqual({
    objects: { total: 3, transferred: 3, skipped: 0 },
    bytes: { total: bytes, transferred: bytes },
    changed: [digest],
    absent: [],
  });
  await to.store.verifyArtifact(digest);
  expect((await restoredFile(to, digest, 'b.txt')).toString()).toBe('text');
});

test('nobody is asked when everything is here', async () => {
  const { digest, remote, from } = await pushTree({ 'a.bin': noise(MIB) });
  const logged = faulty(remote);
  const fetched = await from.store.transfer(logged).fetch([digest]);
  expect(logged.log).toEqual([]);
  expect(fetched).toMatchObject({ objects: { total: 2, transferred: 0, skipped: 2 }, changed: [] });
});

test('a few files of a large artifact come by ranges, and the rest later', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`part${index}.bin`, noise(400_000, index + 1)]),
  );
  const { digest, remote } = await pushTree(files);
  const to = clone();
  const part = await to.store.transfer(remote).fetch([digest], { include: (path) => path === 'part7.bin' });
  expect(part.bytes.transferred).toBeLessThan(430_000);
  await to.store.restore(digest, 'one', { include: (path) => path === 'part7.bin' });
  expect(readFileSync(join(to.root, 'one/part7.bin')).equals(noise(400_000, 8))).toBe(true);
  expect(await to.store.present(digest)).toBe(false);
  const rest = await to.store.transfer(remote).fetch([digest]);
  expect(rest.changed).toEqual([digest]);
  await to.store.verifyArtifact(digest);
  expect((await restoredFile(to, digest, 'part39.bin')).equals(noise(400_000, 40))).toBe(true);
});

test('only the blobs that are not here come', async () => {
  const from = clone();
  const content = noise(40 * MIB);
  const first = await pushTree({ 'w.bin': content }, from);
  const to = clone();
  await to.store.transfer(first.remote).fetch([first.digest]);
  const edited = Buffer.from(content);
  edited.set(noise(300_000, 4), 11 * MIB);
  const second = await pushTree({ 'w.bin': edited }, from, first.remote);
  const fetched = await to.store.transfer(first.remote).fetch([second.digest]);
  expect(fetched.bytes.transferred).toBeLessThan(8.5 * MIB);
  expect((await restoredFile(to, second.digest, 'w.bin')).equals(edited)).toBe(true);
}, 60_000);

test('a disk that is too small is said before anything is downloaded', async () => {
  const { digest, remote } = await pushTree({ 'a.bin': noise(3 * MIB) });
  const to = clone({ freeSpace: () => Promise.resolve(3 * MIB) });
  const logged = faulty(remote);
  const fetch = to.store.transfer(logged).fetch([digest]);
  await expect(fetch).rejects.toMatchObject({ code: 'DISK_FULL', exitCode: 6 });
  expect(logged.log.some((entry) => entry.startsWith('get packs'))).toBe(false);
  expect(await namesOf(to.objects, 'manifests')).toEqual([]);
});

describe('room for what a pull restores', () => {
  /** Fetches 3 MiB, which a restore of `data` is to follow, where so much is free. */
  async function fetchInto(
    free: number,
    there: Record<string, string | Uint8Array> | undefined,
    force = false,
  ): Promise<string[]> {
    const { digest, remote } = await pushTree({ 'a.bin': noise(3 * MIB), 'b.txt': 'b' });
    const to = clone({ freeSpace: () => Promise.resolve(free) });
    if (there !== undefined) writeTree(join(to.root, 'data'), there);
    const logged = faulty(remote);
    const targets = [{ path: 'data', digest, size: 3 * MIB + 1 }];
    try {
      await to.store.transfer(logged).fetch([digest], { restoring: { how: 'update', targets, force } });
    } catch (error) {
      expect(logged.log.some((entry) => entry.startsWith('get packs'))).toBe(false);
      expect(await namesOf(to.objects, 'manifests')).toEqual([]);
      throw error;
    }
    return namesOf(to.objects, 'manifests');
  }

  test('is asked for before anything is downloaded', async () => {
    const refused = fetchInto(6 * MIB, undefined);
    await expect(refused).rejects.toMatchObject({ code: 'DISK_FULL', exitCode: 6 });
    await expect(refused).rejects.toThrow(
      `${4 * MIB + 1} more are needed to restore files, and ${6 * MIB} are free`,
    );
    expect(await fetchInto(9 * MIB, undefined)).toHaveLength(1);
  });

  test('counts only what has to be written', async () => {
    expect(await fetchInto(6 * MIB, { 'a.bin': noise(3 * MIB), 'b.txt': 'b' })).toHaveLength(1);
    expect(await fetchInto(6 * MIB, { 'a.bin': noise(3 * MIB), 'b.txt': 'B' }, true)).toHaveLength(1);
    await expect(
      fetchInto(6 * MIB, { 'a.bin': noise(3 * MIB, 9), 'b.txt': 'b' }, true),
    ).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
  });

  test('is not asked for where local changes will be left alone', async () => {
    expect(await fetchInto(6 * MIB, { 'a.bin': 'changed here' })).toHaveLength(1);
  });

  test('of a copy is all of its chosen files, whatever is there', async () => {
    const { digest, remote } = await pushTree({ 'a.bin': noise(3 * MIB), 'b.txt': 'b' });
    const copyOver = (there: Uint8Array | undefined, force = false, chosen = 'a.bin'): Promise<unknown> => {
      const to = clone({ freeSpace: () => Promise.resolve(6 * MIB) });
      const path = join(to.root, 'out');
      if (there !== undefined) writeTree(path, { 'a.bin': there });
      const targets = [{ path, digest, size: 3 * MIB + 1 }];
      const include = (file: string): boolean => file === chosen;
      return to.store
        .transfer(remote)
        .fetch([digest], { include, restoring: { how: 'copy', targets, force } });
    };
    const refused = { code: 'DISK_FULL', message: expect.stringContaining(`${4 * MIB} more are needed`) };
    await expect(copyOver(undefined)).rejects.toMatchObject(refused);
    await expect(copyOver(noise(3 * MIB, 9), true)).rejects.toMatchObject(refused);
    await copyOver(noise(3 * MIB));
    await copyOver(noise(3 * MIB, 9));
    await copyOver(undefined, false, 'b.txt');
  });
});

test('a dry run tells what a fetch then does, and writes nothing', async () => {
  const { digest, remote } = await pushTree({ 'a.bin': noise(3 * MIB), 'b.txt': 'b' });
  const to = clone();
  const transfer = to.store.transfer(remote);
  const dry = await transfer.fetch([digest], { dryRun: true });
  expect(await namesOf(to.objects, 'packs')).toEqual([]);
  expect(dry).toEqual(await transfer.fetch([digest]));
});

test('a fetch that fails at any call leaves nothing half, and the next ones finish it', async () => {
  const from = clone();
  const one = await pushTree({ 'a.bin': noise(2 * MIB, 1) }, from);
  const two = await pushTree({ 'b.bin': noise(MIB, 2) }, from, one.remote);
  for (const call of ['list', 'get', 'stat'] as const) {
    const to = clone();
    let done = false;
    for (let nth = 1; !done; nth += 1) {
      const broken = faulty(one.remote, [{ call, nth, fault: { errno: 'ETIMEDOUT' } }]);
      done = await to.store
        .transfer(broken)
        .fetch([one.digest, two.digest])
        .then(
          () => true,
          () => false,
        );
      for (const name of await namesOf(to.objects, 'manifests'))
        await to.store.verifyArtifact(`sha256:${name}`);
    }
    const { damage } = await to.store.verifyObjects([one.digest, two.digest], { deep: true });
    expect(damage).toEqual([]);
  }
});

test('an interrupted fetch keeps what came, and the next one gets the rest only', async () => {
  const { digest, remote } = await pushTree({ 'a.bin': noise(50 * MIB) });
  const to = clone();
  const stopping = new AbortController();
  const onProgress = ({ bytes }: { bytes: number }): void => {
    if (bytes > 0) stopping.abort();
  };
  const fetch = to.store.transfer(remote).fetch([digest], { jobs: 1, signal: stopping.signal, onProgress });
  await expect(fetch).rejects.toMatchObject({ exitCode: 130 });
  const kept = await bytesOf(to.objects, 'packs');
  expect(kept).toBeGreaterThan(10 * MIB);
  expect(await namesOf(to.objects, 'manifests')).toEqual([]);
  const rest = await to.store.transfer(remote).fetch([digest]);
  expect(rest.bytes.transferred).toBeLessThan((await bytesOf(remote, 'packs')) - kept + 100_000);
  await to.store.verifyArtifact(digest);
}, 60_000);

test('memory in flight is bounded however many requests may run at once', async () => {
  const { digest, remote } = await pushTree({ 'a.bin': noise(110 * MIB) });
  let flying = 0;
  let most = 0;
  const counting = faulty(remote);
  const get = counting.get.bind(counting);
  counting.get = async (key, range) => {
    const size = range?.length ?? 0;
    flying += size;
    most = Math.max(most, flying);
    await new Promise((resolve) => setImmediate(resolve));
    const bytes = await get(key, range);
    flying -= size;
    return bytes;
  };
  await clone().store.transfer(counting).fetch([digest], { jobs: 64 });
  expect(most).toBeGreaterThan(30 * MIB);
  expect(most).toBeLessThanOrEqual(40 * MIB);
}, 60_000);
