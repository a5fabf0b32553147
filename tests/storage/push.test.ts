import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import { MIB, pushPart, pushTree, restored, storeTree } from './support/pushed.ts';
import { bytesOf, clone, faulty, namesOf } from './support/transfer-fixtures.ts';
import { noise, writeTree } from './support/scratch.ts';

test('packs go first, then the manifest, then the question whether they are there, then the layout', async () => {
  const from = clone();
  const digest = await storeTree(from, { 'a.txt': 'one', 'b.bin': noise(3 * MIB) });
  const remote = new MemoryObjectStore();
  const logged = faulty(remote);
  const pushed = await from.store.transfer(logged).push([digest]);
  const kinds = logged.log.map((entry) => entry.replace(/\/.*/, ''));
  const puts = kinds.filter((kind) => kind.startsWith('put'));
  expect(puts).toEqual(['put packs', 'put manifests', 'put layouts']);
  const asked = logged.log.slice(kinds.indexOf('put manifests'), kinds.indexOf('put layouts'));
  expect(asked.map((entry) => entry.replace(/\/.*/, ''))).toEqual([
    'put manifests',
    'commit',
    'stat packs',
    'stat manifests',
  ]);
  expect(pushed.objects).toEqual({ total: 3, transferred: 3, skipped: 0 });
  const stored = await Promise.all(
    (['packs', 'manifests', 'layouts'] as const).map((kind) => bytesOf(remote, kind)),
  );
  expect(pushed.bytes).toEqual({ total: sum(stored), transferred: sum(stored) });
  expect(pushed.changed).toEqual([digest]);
  expect((await restored(remote, digest, 'b.bin')).equals(noise(3 * MIB))).toBe(true);
});

test('what is there is not sent again, after the remote was asked', async () => {
  const { from, digest, remote } = await pushTree({ 'a.bin': noise(MIB) });
  const logged = faulty(remote);
  const again = await from.store.transfer(logged).push([digest]);
  expect(again).toMatchObject({ objects: { total: 3, transferred: 0, skipped: 3 }, changed: [] });
  expect(again.bytes.transferred).toBe(0);
  expect(logged.log.filter((entry) => !entry.startsWith('list'))).toEqual([
    expect.stringContaining('get layouts/'),
    expect.stringContaining('stat packs/'),
    expect.stringContaining('stat manifests/'),
  ]);
});

test.each(['packs', 'manifests', 'layouts'] as const)(
  'an object of the kind %s that somebody deleted there is sent again',
  async (kind) => {
    const { digest, remote, transfer } = await pushTree({ 'a.bin': noise(MIB) });
    const [name = ''] = await namesOf(remote, kind);
    await remote.delete({ kind, name });
    const [state] = await transfer.inspect([digest]);
    expect(state?.state).toBe(kind === 'layouts' ? 'absent' : 'incomplete');
    expect(state?.missing).toEqual(kind === 'layouts' ? [] : [`${kind}/${name.slice(0, 2)}/${name}`]);
    const again = await transfer.push([digest]);
    expect(again.objects.transferred).toBe(1);
    expect((await transfer.inspect([digest]))[0]).toEqual({ digest, state: 'complete', missing: [] });
  },
);

test('a small edit of a large file sends about as much as was edited', async () => {
  const from = clone();
  const content = noise(48 * MIB);
  const first = await storeTree(from, { 'weights.bin': content });
  const remote = new MemoryObjectStore();
  await from.store.transfer(remote).push([first]);
  const edited = Buffer.from(content);
  edited.set(noise(480_000, 9), 20 * MIB);
  writeTree(join(from.root, 'model'), { 'weights.bin': edited });
  const { digest: second, blobs } = await from.store.store('model');
  const related = { related: () => [first] };
  const pushed = await from.store.transfer(remote).push([second], related);
  expect(blobs.storedBytes).toBeLessThan(0.08 * content.length);
  // Besides the new blobs: their pack's table, the manifest and the layout.
  expect(pushed.bytes.transferred).toBeLessThan(blobs.storedBytes + 10_000);
  expect((await restored(remote, second, 'weights.bin')).equals(edited)).toBe(true);
}, 60_000);

test('versions that are pushed together share blobs without being told so', async () => {
  const from = clone();
  const shared = noise(6 * MIB);
  const remote = new MemoryObjectStore();
  const first = await storeTree(from, { 'w.bin': shared, 'c.json': '{"a":1}' });
  await from.store.transfer(remote).push([first]);
  const second = await storeTree(from, { 'w.bin': shared, 'c.json': '{"a":2}' });
  const pushed = await from.store.transfer(remote).push([first, second]);
  expect(pushed.bytes.transferred).toBeLessThan(10_000);
  expect((await restored(remote, second, 'c.json')).toString()).toBe('{"a":2}');
});

test('few blobs of a large pack are sent in a pack of their own, the same each time', async () => {
  const { from, digest, remote, report } = await pushPart();
  expect(report.bytes.transferred).toBeLessThan(102_000);
  const local = await namesOf(from.objects, 'packs');
  const sent = await namesOf(remote, 'packs');
  expect(local).not.toContain(sent[0]);
  for (const name of await namesOf(remote, 'layouts')) await remote.delete({ kind: 'layouts', name });
  await from.store.transfer(remote).push([digest]);
  expect(await namesOf(remote, 'packs')).toEqual(sent);
});

test('an artifact with a missing blob is not pushed at all; the others are, and the files are named', async () => {
  const from = clone();
  const good = await storeTree(from, { 'ok.bin': noise(MIB, 5) }, 'good');
  const before = await namesOf(from.objects, 'packs');
  const bad = await storeTree(from, { 'sub/lost.bin': noise(MIB, 6), 'ok.bin': noise(MIB, 5) }, 'bad');
  for (const name of await namesOf(from.objects, 'packs'))
    if (!before.includes(name)) await from.objects.delete({ kind: 'packs', name });
  const remote = new MemoryObjectStore();
  const push = from.store
    .transfer(remote)
    .push([bad, good], { nameOf: (digest) => (digest === bad ? 'm@v2' : 'm@v1') });
  await expect(push).rejects.toMatchObject({ code: 'OBJECT_MISSING', exitCode: 3 });
  await expect(push).rejects.toThrow(/m@v2: blobs are missing here for sub\/lost\.bin$/);
  const layouts = await namesOf(remote, 'layouts');
  expect(layouts).toEqual([expect.stringContaining(good.slice(7))]);
  expect(await namesOf(remote, 'manifests')).toEqual([good.slice(7)]);
});

test('what is neither here nor there is passed over only when that was said', async () => {
  const from = clone();
  const digest = `sha256:${'ab'.repeat(32)}`;
  const transfer = from.store.transfer(new MemoryObjectStore());
  await expect(transfer.push([digest])).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
  expect(await transfer.push([digest], { passOverAbsent: () => true })).toMatchObject({
    absent: [digest],
    changed: [],
  });
});

test('a dry run tells what a push then does, and sends nothing', async () => {
  const from = clone();
  await storeTree(from, { 'a.bin': noise(8 * MIB, 1), 'b.bin': noise(100_000, 2) }, 'both');
  const small = await storeTree(from, { 'b.bin': noise(100_000, 2), 'c.bin': noise(20_000, 3) }, 'small');
  const remote = new MemoryObjectStore();
  const transfer = from.store.transfer(remote);
  const dry = await transfer.push([small], { dryRun: true });
  expect(await namesOf(remote, 'packs')).toEqual([]);
  expect(await namesOf(remote, 'manifests')).toEqual([]);
  const real = await transfer.push([small]);
  expect(dry).toEqual(real);
});

test('a push that fails at any call is finished by the next ones, and no layout lies', async () => {
  const from = clone();
  const first = await storeTree(from, { 'a.bin': noise(2 * MIB, 1) }, 'one');
  const second = await storeTree(from, { 'b.bin': noise(MIB, 2), 'c.txt': 'x' }, 'two');
  for (const call of ['list', 'stat', 'put', 'commit', 'get'] as const) {
    let done = false;
    const remote = new MemoryObjectStore();
    for (let nth = 1; !done; nth += 1) {
      const broken = faulty(remote, [{ call, nth, fault: { errno: 'ECONNRESET' } }]);
      done = await from.store
        .transfer(broken)
        .push([first, second])
        .then(
          () => true,
          () => false,
        );
      for (const layout of await namesOf(remote, 'layouts')) {
        const digest = `sha256:${layout.slice(0, 64)}`;
        expect((await from.store.transfer(remote).inspect([digest]))[0]?.state).toBe('complete');
      }
    }
    expect((await restored(remote, first, 'a.bin')).equals(noise(2 * MIB, 1))).toBe(true);
    expect((await restored(remote, second, 'c.txt')).toString()).toBe('x');
  }
}, 60_000);

test('an interrupted push keeps what was sent, and the next one sends the rest only', async () => {
  const from = clone();
  const digest = await storeTree(from, { 'a.bin': noise(40 * MIB, 1) });
  const remote = new MemoryObjectStore();
  const stopping = new AbortController();
  const logged = faulty(remote);
  const options = {
    jobs: 1,
    signal: stopping.signal,
    onProgress: ({ bytes }: { bytes: number }) => {
      if (bytes > 0) stopping.abort();
    },
  };
  await expect(from.store.transfer(logged).push([digest], options)).rejects.toMatchObject({ exitCode: 130 });
  const kept = await namesOf(remote, 'packs');
  expect(kept).toHaveLength(1);
  expect(await namesOf(remote, 'layouts')).toEqual([]);
  const rest = await from.store.transfer(remote).push([digest]);
  expect(rest.objects.skipped).toBe(1);
  expect(rest.objects.transferred).toBe((await namesOf(remote, 'packs')).length - 1 + 2);
}, 60_000);

test('what a remote that is not reachable says is said, and nothing is called pushed', async () => {
  const from = clone();
  const digest = await storeTree(from, { 'a.bin': noise(MIB) });
  const down = faulty(new MemoryObjectStore(), [{ call: 'list', nth: 1, fault: { errno: 'ECONNREFUSED' } }]);
  await expect(from.store.transfer(down).push([digest])).rejects.toThrow('ECONNREFUSED');
  expect(down.log).toEqual(['list']);
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
