import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import { Layout } from '../../src/storage/transfer/layout.ts';
import { putObject } from '../../src/storage/transfer/put-object.ts';
import { MIB, pushPart, pushTree, restored, storeTree } from './support/pushed.ts';
import { clone, faulty, flip, namesOf } from './support/transfer-fixtures.ts';
import { noise, writeTree } from './support/scratch.ts';

test('a pack that is damaged here is never sent', async () => {
  const from = clone();
  const digest = await storeTree(from, { 'a.bin': noise(MIB) });
  const [name = ''] = await namesOf(from.objects, 'packs');
  await from.store.present(digest);
  await flip(from.objects, { kind: 'packs', name });
  const remote = new MemoryObjectStore();
  await expect(from.store.transfer(remote).push([digest])).rejects.toMatchObject({
    code: 'OBJECT_DAMAGED',
    exitCode: 3,
  });
  expect(await namesOf(remote, 'packs')).toEqual([]);
  expect(await namesOf(remote, 'layouts')).toEqual([]);
});

test('a remote that takes an object and does not have it afterwards gets no layout', async () => {
  const from = clone();
  const digest = await storeTree(from, { 'a.bin': noise(MIB) });
  const remote = new MemoryObjectStore();
  const forgetful = faulty(remote);
  const commit = forgetful.batch.bind(forgetful);
  forgetful.batch = () => {
    const batch = commit();
    return { ...batch, commit: () => batch.abort() };
  };
  await expect(from.store.transfer(forgetful).push([digest])).rejects.toMatchObject({
    code: 'REMOTE_OBJECT_MISSING',
    exitCode: 3,
  });
  expect(await namesOf(remote, 'layouts')).toEqual([]);
});

test('a damaged object there is refused by name, and replaced with repair', async () => {
  const { digest, remote, transfer } = await pushTree({ 'a.bin': noise(MIB) });
  const [name = ''] = await namesOf(remote, 'packs');
  remote.damage({ kind: 'packs', name }, new Uint8Array(10));
  const refused = transfer.push([digest]);
  await expect(refused).rejects.toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
  await expect(refused).rejects.toThrow(name);
  await flip(remote, { kind: 'packs', name }, 3);
  await transfer.push([digest], { repair: true });
  expect((await transfer.verify([digest])).damage).toEqual([]);
  expect((await transfer.inspect([digest]))[0]?.state).toBe('complete');
});

test.each(['packs', 'manifests', 'layouts'] as const)(
  'repair finds and replaces an altered object of the kind %s that has its size',
  async (kind) => {
    const { from, digest, remote } = await pushTree({ 'a.bin': noise(MIB), 'b.txt': 'text' });
    const [name = ''] = await namesOf(remote, kind);
    await flip(remote, { kind, name });
    // Another clone, which does not know the layout's content yet.
    const other = clone({ objects: from.objects });
    const transfer = other.store.transfer(remote);
    const { damage } = await transfer.verify([digest]);
    expect(damage.map((found) => found.path)).toContain(`${kind}/${name.slice(0, 2)}/${name}`);
    await transfer.push([digest], { repair: true });
    expect((await clone().store.transfer(remote).verify([digest])).damage).toEqual([]);
    expect((await restored(remote, digest, 'b.txt')).toString()).toBe('text');
  },
);

test('repair without the same pack here gives the blobs another place and moves the bad pack away', async () => {
  const { digest, remote } = await pushPart();
  const [name = ''] = await namesOf(remote, 'packs');
  await flip(remote, { kind: 'packs', name });
  const alone = clone();
  writeTree(join(alone.root, 'small'), { 'b.bin': noise(100_000, 2) });
  expect((await alone.store.store('small')).digest).toBe(digest);
  await alone.store.transfer(remote).push([digest], { repair: true });
  expect((await restored(remote, digest, 'b.bin')).equals(noise(100_000, 2))).toBe(true);
  expect((await alone.store.transfer(remote).inspect([digest]))[0]?.state).toBe('complete');
});

test('repair does not lean on layouts that this clone remembers', async () => {
  const { digest, remote, transfer } = await pushTree({ 'a.bin': noise(MIB) });
  const [name = ''] = await namesOf(remote, 'layouts');
  await flip(remote, { kind: 'layouts', name });
  await transfer.push([digest], { repair: true });
  expect((await restored(remote, digest, 'a.bin')).equals(noise(MIB))).toBe(true);
});

test('a layout that rotted there is not called present because this clone remembers it', async () => {
  const from = clone();
  const digest = await storeTree(from, { 'a.bin': noise(MIB) });
  const other = await storeTree(from, { 'b.bin': noise(1000, 2) }, 'other');
  const remote = new MemoryObjectStore();
  const transfer = from.store.transfer(remote);
  await transfer.push([digest]);
  const [name = ''] = await namesOf(remote, 'layouts');
  await flip(remote, { kind: 'layouts', name }, 60);
  expect(await transfer.inspect([digest])).toEqual([
    { digest, state: 'damaged', missing: [`layouts/${name.slice(0, 2)}/${name}`] },
  ]);
  for (const dryRun of [true, false]) {
    const refused = transfer.push([digest, other], { dryRun });
    await expect(refused).rejects.toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
    await expect(refused).rejects.toThrow(name);
  }
  expect((await restored(remote, other, 'b.bin')).equals(noise(1000, 2))).toBe(true);
  await transfer.push([digest], { repair: true });
  expect((await transfer.inspect([digest]))[0]?.state).toBe('complete');
  expect((await restored(remote, digest, 'a.bin')).equals(noise(MIB))).toBe(true);
});

test('beside a layout that rotted there another clone writes a good one, and says so', async () => {
  const { from, digest, remote } = await pushPart();
  const [bad = ''] = await namesOf(remote, 'layouts');
  await flip(remote, { kind: 'layouts', name: bad }, 60);
  const other = clone();
  writeTree(join(other.root, 'both'), { 'b.bin': noise(100_000, 2), 'c.bin': noise(2000, 3) });
  await other.store.store('both');
  writeTree(join(other.root, 'small'), { 'b.bin': noise(100_000, 2) });
  expect((await other.store.store('small')).digest).toBe(digest);
  await other.store.transfer(remote).push([digest]);
  expect(other.warnings.join()).toContain(bad);
  expect(await namesOf(remote, 'layouts')).toHaveLength(2);
  expect((await from.store.transfer(remote).inspect([digest]))[0]?.state).toBe('complete');
  expect((await restored(remote, digest, 'b.bin')).equals(noise(100_000, 2))).toBe(true);
});

test.each(['here', 'there'] as const)(
  'a layout that places fewer blobs than the manifest (which is %s) has is never complete',
  async (place) => {
    const { from, digest, remote } = await pushTree({ 'a.bin': noise(8 * MIB) });
    const [name = ''] = await namesOf(remote, 'layouts');
    const good = Layout.decode(await remote.get({ kind: 'layouts', name }), name);
    expect(good.count).toBeGreaterThan(1);
    const wrong = Layout.build(digest.slice(7), [good.locate(0, 'ab'.repeat(32))]);
    await remote.delete({ kind: 'layouts', name });
    await putObject(remote, { key: { kind: 'layouts', name: wrong.name }, bytes: wrong.bytes });
    const asking = place === 'here' ? from : clone();
    expect((await asking.store.transfer(remote).inspect([digest]))[0]).toEqual({
      digest,
      state: 'damaged',
      missing: [`layouts/${wrong.name.slice(0, 2)}/${wrong.name}`],
    });
    if (place === 'there') return;
    const pushed = await from.store.transfer(remote).push([digest]);
    expect(pushed.changed).toEqual([digest]);
    expect((await restored(remote, digest, 'a.bin')).equals(noise(8 * MIB))).toBe(true);
  },
);

test.each(['manifests', 'layouts'] as const)(
  'an object of the kind %s that was cut short there is not called present by who pushed it',
  async (kind) => {
    const from = clone();
    const digest = await storeTree(from, { 'a.bin': noise(MIB) });
    const other = await storeTree(from, { 'b.bin': noise(1000, 2) }, 'other');
    const remote = new MemoryObjectStore();
    const transfer = from.store.transfer(remote);
    await transfer.push([digest]);
    const [name = ''] = await namesOf(remote, kind);
    remote.damage({ kind, name }, new Uint8Array(10));
    const refused = transfer.push([digest, other]);
    await expect(refused).rejects.toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
    await expect(refused).rejects.toThrow(name);
    expect((await restored(remote, other, 'b.bin')).equals(noise(1000, 2))).toBe(true);
    await transfer.push([digest], { repair: true });
    expect((await restored(remote, digest, 'a.bin')).equals(noise(MIB))).toBe(true);
  },
);

test('repair leaves a pack of which one blob rotted to an artifact that has no other place', async () => {
  const from = clone();
  const both = await storeTree(from, { 'a.bin': noise(100_000, 1), 'b.bin': noise(100_000, 2) }, 'both');
  const mine = await storeTree(from, { 'a.bin': noise(100_000, 1) }, 'mine');
  const theirs = await storeTree(from, { 'b.bin': noise(100_000, 2) }, 'theirs');
  const remote = new MemoryObjectStore();
  await from.store.transfer(remote).push([both, mine, theirs]);
  const [name = ''] = await namesOf(remote, 'packs');
  await flip(remote, { kind: 'packs', name }, 1000);
  const alone = clone();
  writeTree(join(alone.root, 'mine'), { 'a.bin': noise(100_000, 1) });
  await alone.store.store('mine');
  await alone.store.transfer(remote).push([mine, theirs], { repair: true, passOverAbsent: () => true });
  expect((await restored(remote, mine, 'a.bin')).equals(noise(100_000, 1))).toBe(true);
  expect((await restored(remote, theirs, 'b.bin')).equals(noise(100_000, 2))).toBe(true);
});

test('a manifest that rotted there keeps only its own artifact from being published', async () => {
  const from = clone();
  const trees = [1, 2, 3].map((seed) => ({ [`${seed}.bin`]: noise(1000, seed) }));
  const digests: string[] = [];
  for (const [number, tree] of trees.entries()) digests.push(await storeTree(from, tree, `tree${number}`));
  const [first = '', bad = '', last = ''] = digests;
  const remote = new MemoryObjectStore();
  const transfer = from.store.transfer(remote);
  await transfer.push([bad]);
  const name = bad.replace('sha256:', '');
  // Without a layout nobody reads the manifest there before it is sent again.
  for (const layout of await namesOf(remote, 'layouts'))
    await remote.delete({ kind: 'layouts', name: layout });
  await flip(remote, { kind: 'manifests', name });
  for (const jobs of [1, 16]) {
    const refused = transfer.push(digests, { jobs, nameOf: (digest) => `tree ${digests.indexOf(digest)}` });
    await expect(refused).rejects.toMatchObject({
      code: 'REMOTE_OBJECT_DAMAGED',
      exitCode: 3,
      hint: expect.stringContaining('mlops push --repair'),
    });
    await expect(refused).rejects.toThrow(new RegExp(`^not pushed: tree 1: manifests/../${name} (?!.*tree)`));
    const states = await transfer.inspect(digests);
    expect(states.map(({ state }) => state)).toEqual(['complete', 'absent', 'complete']);
  }
  for (const digest of [first, last]) await clone().store.transfer(remote).fetch([digest]);
  await transfer.push(digests, { repair: true });
  expect((await restored(remote, bad, '2.bin')).equals(noise(1000, 2))).toBe(true);
});
