import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { sha256Hex } from '../../src/storage/digest.ts';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import { Encoding, PackBuilder } from '../../src/storage/pack.ts';
import { Layout } from '../../src/storage/transfer/layout.ts';
import { MIB, pushTree, storeTree } from './support/pushed.ts';
import { clone, faulty, flip, namesOf } from './support/transfer-fixtures.ts';
import { noise, writeTree } from './support/scratch.ts';

test('an altered object is named, kept and exit 3; the rest is restored', async () => {
  const from = clone();
  const good = await pushTree({ 'a.bin': noise(MIB, 1) }, from);
  const before = await namesOf(good.remote, 'packs');
  const bad = await pushTree({ 'sub/b.bin': noise(400_000, 2), 'c.bin': noise(MIB, 3) }, from, good.remote);
  const name = (await namesOf(good.remote, 'packs')).find((each) => !before.includes(each)) ?? '';
  await flip(good.remote, { kind: 'packs', name }, 500_000);
  const to = clone();
  const options = { nameOf: (digest: string) => (digest === bad.digest ? 'm@v2' : 'm@v1') };
  const fetch = to.store.transfer(good.remote).fetch([bad.digest, good.digest], options);
  await expect(fetch).rejects.toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
  await expect(fetch).rejects.toThrow(new RegExp(`m@v2: .*${name}`));
  await expect(fetch).rejects.not.toThrow(/m@v1/);
  expect([...to.kept.keys()]).toEqual([`packs/${name.slice(0, 2)}/${name}`]);
  await to.store.verifyArtifact(good.digest);
  // One of the two files is hit; the other one's blob is good and stays.
  const mended = await from.store.transfer(good.remote).push([bad.digest], { repair: true });
  expect(mended.objects.transferred).toBe(1);
  const again = await to.store.transfer(good.remote).fetch([bad.digest]);
  expect(again.bytes.transferred).toBeLessThan(1.2 * MIB);
  await to.store.verifyArtifact(bad.digest);
});

test('when one copy is bad another one is used', async () => {
  const { digest, remote, from } = await pushTree({ 'a.bin': noise(MIB, 1), 'b.bin': noise(MIB, 2) });
  const [first = ''] = await namesOf(remote, 'packs');
  // The same blobs in other packs: pushed by a clone that saved the files one by one, and knew nothing of the first.
  const second = clone();
  writeTree(second.root, { a: noise(MIB, 1), b: noise(MIB, 2) });
  await second.store.store('a');
  await second.store.store('b');
  writeTree(join(second.root, 'model'), { 'a.bin': noise(MIB, 1), 'b.bin': noise(MIB, 2) });
  await second.store.store('model');
  const other = new MemoryObjectStore();
  await second.store.transfer(other).push([digest]);
  await copyInto(remote, other);
  expect(await namesOf(remote, 'layouts')).toHaveLength(2);
  for (const damage of [
    () => flip(remote, { kind: 'packs', name: first }),
    () => remote.delete({ kind: 'packs', name: first }),
  ]) {
    await damage();
    const to = clone();
    await to.store.transfer(remote).fetch([digest]);
    await to.store.verifyArtifact(digest);
  }
  expect(from.warnings).toEqual([]);
});

test.each(['packs', 'manifests', 'layouts'] as const)(
  'what is missing there is exit 3 and named: %s',
  async (kind) => {
    const { digest, remote } = await pushTree({ 'a.bin': noise(MIB) });
    const [name = ''] = await namesOf(remote, kind);
    await remote.delete({ kind, name });
    const to = clone();
    const fetch = to.store.transfer(remote).fetch([digest]);
    await expect(fetch).rejects.toMatchObject({ code: 'REMOTE_OBJECT_MISSING', exitCode: 3 });
    expect(await namesOf(to.objects, 'manifests')).toEqual([]);
  },
);

test.each(['manifests', 'layouts'] as const)(
  'what is altered there is exit 3 and named: %s',
  async (kind) => {
    const { digest, remote } = await pushTree({ 'a.bin': noise(MIB) });
    const [name = ''] = await namesOf(remote, kind);
    await flip(remote, { kind, name });
    const fetch = clone().store.transfer(remote).fetch([digest]);
    await expect(fetch).rejects.toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
    await expect(fetch).rejects.toThrow(name);
  },
);

test.each(['truncate', 'flip-last-byte'] as const)(
  'bytes that arrive wrong once are asked for again: %s',
  async (fault) => {
    const { digest, remote } = await pushTree({ 'a.bin': noise(MIB) });
    const to = clone();
    const nth = 3;
    const lossy = faulty(remote, [{ call: 'get', nth, fault }]);
    await to.store.transfer(lossy).fetch([digest]);
    expect(lossy.log.filter((entry) => entry.startsWith('get'))[nth - 1]).toContain('get packs');
    await to.store.verifyArtifact(digest);
  },
);

test.each(['../../x', '/etc/x', 'C:\\x', 'a/../../b', '.git/hooks/x', 'a\u0000b'])(
  'a manifest that names %j is exit 4 and nothing is written',
  async (path) => {
    const content = Buffer.from('owned');
    const file = { path, sha256: sha256Hex(content), size: content.length };
    const manifest = Buffer.from(
      canonicalJson({ files: [file], kind: 'directory', schema: 'mlops.manifest/1' }),
    );
    const remote = await hostileRemote(manifest, [content]);
    const to = clone();
    const fetch = to.store.transfer(remote).fetch([`sha256:${sha256Hex(manifest)}`]);
    await expect(fetch).rejects.toMatchObject({ code: 'UNSAFE_PATH', exitCode: 4 });
    expect(await namesOf(to.objects, 'packs')).toEqual([]);
    expect(await namesOf(to.objects, 'manifests')).toEqual([]);
  },
);

test('a pack that is what its name says and lies about its blobs is found out', async () => {
  const content = noise(300_000, 1);
  const builder = new PackBuilder();
  const liar = noise(300_000, 2);
  const id = sha256Hex(content);
  builder.add({ id, length: liar.length, storedLength: liar.length, encoding: Encoding.raw }, liar);
  const pack = Buffer.from(builder.finish());
  const manifest = Buffer.from(
    canonicalJson({
      files: [{ path: 'a', sha256: id, size: 300_000 }],
      kind: 'directory',
      schema: 'mlops.manifest/1',
    }),
  );
  const remote = new MemoryObjectStore();
  const name = sha256Hex(pack);
  remote.damage({ kind: 'packs', name }, new Uint8Array(pack));
  remote.damage({ kind: 'manifests', name: sha256Hex(manifest) }, new Uint8Array(manifest));
  const location = {
    id,
    pack: name,
    packSize: pack.length,
    offset: 8,
    storedLength: 300_000,
    length: 300_000,
  };
  const layout = Layout.build(sha256Hex(manifest), [{ ...location, encoding: Encoding.raw }]);
  remote.damage({ kind: 'layouts', name: layout.name }, layout.bytes);
  const to = clone();
  const digest = `sha256:${sha256Hex(manifest)}`;
  await expect(to.store.transfer(remote).fetch([digest])).rejects.toMatchObject({
    code: 'REMOTE_OBJECT_DAMAGED',
  });
  expect(await namesOf(to.objects, 'packs')).toEqual([]);
});

test('repair replaces what is damaged here; the bad bytes are kept', async () => {
  const { digest, remote, from } = await pushTree({ 'a.bin': noise(3 * MIB), 'b.txt': 'b' });
  const [pack = ''] = await namesOf(from.objects, 'packs');
  await flip(from.objects, { kind: 'packs', name: pack }, 1000);
  await flip(from.objects, { kind: 'manifests', name: digest.slice(7) });
  await expect(from.store.verifyArtifact(digest)).rejects.toMatchObject({ exitCode: 3 });
  const mended = await from.store.transfer(remote).fetch([digest], { repair: 'artifacts' });
  expect(mended.changed).toEqual([digest]);
  await from.store.verifyArtifact(digest);
  expect((await from.store.verifyObjects([digest], { deep: true })).damage).toEqual([]);
  expect(from.warnings.join('\n')).toMatch(/quarantine/);
});

test('repair leaves alone what a newer program may have written', async () => {
  const { digest, remote, from } = await pushTree({ 'a.bin': noise(MIB) });
  const bytes = new Uint8Array(Buffer.from('{"schema": "mlops.manifest/2"}\n'));
  const name = sha256Hex(bytes);
  from.objects.damage({ kind: 'manifests', name }, bytes);
  const pack = new Uint8Array(Buffer.from('a pack of another kind, as long as a pack has to be at least'));
  const packName = sha256Hex(pack);
  from.objects.damage({ kind: 'packs', name: packName }, pack);
  await from.store.transfer(remote).fetch([digest], { repair: 'everything' });
  expect(Buffer.from(await from.objects.get({ kind: 'manifests', name })).toString()).toContain('manifest/2');
  expect((await from.objects.get({ kind: 'packs', name: packName })).length).toBe(pack.length);
  expect(from.warnings.filter((line) => line.includes('left alone'))).toHaveLength(2);
});

test('repair of what is damaged in both places names both and deletes nothing', async () => {
  const { digest, remote, from } = await pushTree({ 'a.bin': noise(3 * MIB) });
  const [pack = ''] = await namesOf(from.objects, 'packs');
  await flip(from.objects, { kind: 'packs', name: pack }, 1000);
  await flip(remote, { kind: 'packs', name: pack }, 1000);
  const mending = from.store.transfer(remote).fetch([digest], { repair: 'artifacts' });
  await expect(mending).rejects.toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
  await expect(mending).rejects.toThrow(`on the remote packs/${pack.slice(0, 2)}/${pack}`);
  expect(from.warnings.join('\n')).toContain('quarantine/packs-');
  expect(await namesOf(remote, 'packs')).toEqual([pack]);
});

test('a pack of which only the header rotted keeps its place, although the remote has nothing of it', async () => {
  const to = clone();
  const digest = await storeTree(to, { 'a.bin': noise(3000, 1), 'b.bin': noise(2000, 2) });
  const [name = ''] = await namesOf(to.objects, 'packs');
  await flip(to.objects, { kind: 'packs', name }, 0);
  await to.store.transfer(new MemoryObjectStore()).fetch([digest], { repair: 'everything' });
  expect(to.warnings.join()).toContain('all its blobs are good, and the pack was written again');
  expect((await to.store.verifyObjects([digest], { deep: true })).damage).toEqual([]);
  await to.store.verifyArtifact(digest);
});

async function copyInto(target: MemoryObjectStore, source: MemoryObjectStore): Promise<void> {
  for (const kind of ['packs', 'manifests', 'layouts'] as const) {
    for (const name of await namesOf(source, kind))
      target.damage({ kind, name }, new Uint8Array(await source.get({ kind, name })));
  }
}

async function hostileRemote(manifest: Buffer, blobs: readonly Buffer[]): Promise<MemoryObjectStore> {
  const remote = new MemoryObjectStore();
  const builder = new PackBuilder();
  for (const blob of blobs) {
    const entry = { id: sha256Hex(blob), length: blob.length, storedLength: blob.length };
    builder.add({ ...entry, encoding: Encoding.raw }, blob);
  }
  const pack = Buffer.from(builder.finish());
  const name = sha256Hex(pack);
  remote.damage({ kind: 'packs', name }, new Uint8Array(pack));
  remote.damage({ kind: 'manifests', name: sha256Hex(manifest) }, new Uint8Array(manifest));
  const locations = builder.entries.map((entry) => ({ ...entry, pack: name, packSize: pack.length }));
  const layout = Layout.build(sha256Hex(manifest), locations);
  remote.damage({ kind: 'layouts', name: layout.name }, layout.bytes);
  return remote;
}
