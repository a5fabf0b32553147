import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { DirectoryObjectStore, prepareDirectory } from '../../src/storage/directory/object-store.ts';
import { readPackTable } from '../../src/storage/blob-index.ts';
import { steppingObjects } from '../support/stepping.ts';
import { s3Store } from '../support/s3-store.ts';
import { pushTree, storeTree } from './support/pushed.ts';
import { noise, scratchDirectory } from './support/scratch.ts';
import {
  asIntegrityError,
  collect,
  everythingIn,
  expectRestorable,
  little,
  littleFiles,
  sparseRemote,
} from './support/sparse-remote.ts';
import { bytesOf, clone, faulty, flip, namesOf } from './support/transfer-fixtures.ts';

describe('packs of which little is needed', () => {
  test('are rewritten: what stays comes back from one small pack, each blob once', async () => {
    const scene = await sparseRemote();
    const { remote, packs, kept } = scene;
    const before = await bytesOf(remote, 'packs');
    const { plan, removed } = await collect(scene);
    expect(plan.sparse.map(({ name }) => name)).toEqual(packs.toSorted());
    expect(
      plan.sparse.every(({ neededBytes, neededBlobs }) => neededBytes === 40_000 && neededBlobs === 1),
    ).toBe(true);
    expect(plan.kept).toMatchObject({ layouts: 3, manifests: 3, packs: 0 });
    expect(removed).toMatchObject({ layouts: 3, manifests: 3, packs: 0, repacked: 3 });
    const left = await namesOf(remote, 'packs');
    expect([left.length, await namesOf(remote, 'layouts')]).toMatchObject([1, { length: 3 }]);
    const [name = ''] = left;
    const size = await bytesOf(remote, 'packs');
    expect(await readPackTable(remote, { kind: 'packs', name }, size)).toHaveLength(3);
    expect(before - size).toBeGreaterThan(1_200_000);
    await expectRestorable(scene);
    const states = await scene.from.store.transfer(remote).inspect([...kept.keys()]);
    expect(states.map(({ state }) => state)).toEqual(['complete', 'complete', 'complete']);
    const again = await collect(scene);
    expect(again.removed).toEqual({ layouts: 0, manifests: 0, packs: 0, repacked: 0, bytes: 0 });
  });

  test('are rewritten once where several hold the same blob', async () => {
    const scene = await sparseRemote();
    const { remote } = scene;
    const other = clone();
    const transfer = other.store.transfer(remote);
    const dropped = await storeTree(
      other,
      { 'large.bin': noise(400_000, 9), 'little.bin': little(1) },
      'first',
    );
    await transfer.push([dropped]);
    const stays = await storeTree(other, littleFiles([1]), 'second');
    await transfer.push([stays]);
    remote.age(0);
    const kept = new Map([...scene.kept, [stays, [1]]]);
    const { removed } = await collect({ ...scene, gone: [...scene.gone, dropped], kept });
    expect(removed.repacked).toBe(4);
    const [name = '', ...more] = await namesOf(remote, 'packs');
    const table = await readPackTable(remote, { kind: 'packs', name }, await bytesOf(remote, 'packs'));
    expect([table.length, more]).toEqual([3, []]);
    await expectRestorable({ remote, kept });
  });

  test('only their needed ranges are read, and nothing is written by the survey', async () => {
    const scene = await sparseRemote();
    const before = await everythingIn(scene.remote);
    const looking = faulty(scene.remote);
    const own = new Set([...scene.gone, ...scene.kept.keys()]);
    await scene.from.store.remoteGarbage(looking).survey(new Set(scene.kept.keys()), { graceMs: 0, own });
    expect(looking.log.filter((entry) => !/^(list|get layouts)/.test(entry))).toEqual([]);
    expect(await everythingIn(scene.remote)).toEqual(before);
    let read = 0;
    const counting = faulty(scene.remote);
    const through = Object.assign(Object.create(counting) as typeof counting, {
      get: async (...args: Parameters<typeof counting.get>) => {
        const bytes = await counting.get(...args);
        if (args[0].kind === 'packs') read += bytes.length;
        return bytes;
      },
    });
    for (const call of ['stat', 'list', 'delete', 'batch'] as const)
      Object.assign(through, { [call]: counting[call].bind(counting) });
    await collect(scene, { through });
    // Three blobs, and the new pack of them once again.
    expect(read).toBeGreaterThan(240_000);
    expect(read).toBeLessThan(250_000);
  });

  test('stay as they are while a young layout, a foreign or an incomplete artifact uses them', async () => {
    const scene = await sparseRemote();
    const { remote, from, gone, kept, packs } = scene;
    const [, others = '', one = ''] = [...kept.keys()];
    const all = new Set([...gone, ...kept.keys()]);
    const sparseFor = async (own = all): Promise<string[]> => {
      const survey = from.store.remoteGarbage(remote).survey(new Set(kept.keys()), { graceMs: 60_000, own });
      return (await survey).sparse.map(({ name }) => name);
    };
    expect(await sparseFor()).toEqual(packs.toSorted());
    const foreign = new Set([...all].filter((digest) => digest !== one));
    expect(await sparseFor(foreign)).toEqual(packs.slice(0, 2).toSorted());
    const manifest = { kind: 'manifests', name: others.slice(7) } as const;
    const bytes = await remote.get(manifest);
    await remote.delete(manifest);
    expect(await sparseFor()).toEqual([packs[0]]);
    remote.damage(manifest, new Uint8Array(bytes));
    expect(await sparseFor()).toEqual(packs.toSorted());
    // Somebody pushes, in this minute, something else that has the first of the little files.
    await from.store.transfer(remote).push([await storeTree(from, { x: little(1), y: 'more' }, 'now')]);
    expect(await sparseFor()).toEqual(packs.slice(1).toSorted());
  });

  test('are not those of tiny blobs, which are mostly table', async () => {
    const files = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`f${n}`, `number ${n}`]));
    const { digest, remote, from } = await pushTree(files);
    remote.age(0);
    const { plan } = await collect({ remote, from, gone: [], kept: new Map([[digest, []]]) });
    expect([plan.sparse, plan.kept.packs]).toEqual([[], 1]);
  });
});

describe('damage', () => {
  test('in what is needed keeps the pack and is named; the others are rewritten', async () => {
    const scene = await sparseRemote();
    const { remote, packs, kept } = scene;
    const [bad = ''] = packs;
    const key = { kind: 'packs', name: bad } as const;
    const size = (await remote.stat(key))?.size ?? 0;
    const needed = (await readPackTable(remote, key, size)).find(({ length }) => length === 40_000);
    await flip(remote, key, (needed?.offset ?? 0) + 7);
    remote.age(0);
    const refused = await collect(scene).catch(asIntegrityError);
    expect(refused).toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
    expect((refused as Error).message).toContain(
      `packs/${bad.slice(0, 2)}/${bad} is damaged: blob ${needed?.id}`,
    );
    const left = await namesOf(remote, 'packs');
    expect(left).toContain(bad);
    expect(left).toHaveLength(2);
    const [both = '', ...whole] = [...kept.keys()];
    await expectRestorable({
      remote,
      kept: new Map(whole.map((digest) => [digest, kept.get(digest) ?? []])),
    });
    // Who has the bytes makes it good as ever.
    await scene.from.store.transfer(remote).push([both], { repair: true });
    await expectRestorable(scene);
  });

  test('in what nobody needs is no matter', async () => {
    const scene = await sparseRemote();
    const key = { kind: 'packs', name: scene.packs[0] ?? '' } as const;
    const size = (await scene.remote.stat(key))?.size ?? 0;
    const dropped = (await readPackTable(scene.remote, key, size)).find(({ length }) => length !== 40_000);
    await flip(scene.remote, key, (dropped?.offset ?? 0) + 7);
    scene.remote.age(0);
    expect((await collect(scene)).removed.repacked).toBe(3);
    await expectRestorable(scene);
  });

  test('of a manifest, or a layout that places a blob where another one lies, keeps its packs', async () => {
    const scene = await sparseRemote();
    const [both = ''] = [...scene.kept.keys()];
    await flip(scene.remote, { kind: 'manifests', name: both.slice(7) });
    scene.remote.age(0);
    const refused = await collect(scene).catch(asIntegrityError);
    expect(refused).toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED', exitCode: 3 });
    expect((refused as Error).message).toContain(both.slice(7));
    const left = await namesOf(scene.remote, 'packs');
    expect(left).toEqual(expect.arrayContaining(scene.packs.slice(0, 2)));
    expect(left).not.toContain(scene.packs[2]);
    await scene.from.store.transfer(scene.remote).push([both], { repair: true });
    await expectRestorable(scene);
  });

  test('on the way is asked for again', async () => {
    const scene = await sparseRemote();
    const { remote } = scene;
    let spoiled = '';
    const through: ObjectStore = {
      ...steppingObjects(remote, () => Promise.resolve()),
      async get(key, range) {
        const bytes = await remote.get(key, range);
        if (range?.length !== 40_000 || spoiled !== '') return bytes;
        spoiled = key.name;
        bytes[9] = (bytes[9] ?? 0) ^ 1;
        return bytes;
      },
    };
    const { removed } = await collect(scene, { through });
    expect([removed.repacked, scene.packs.includes(spoiled)]).toEqual([3, true]);
    await expectRestorable(scene);
  });

  test('by somebody who removes the new pack as well ends it with nothing replaced', async () => {
    for (const moment of ['list packs', 'put layouts']) {
      const scene = await sparseRemote();
      const { remote, packs, kept } = scene;
      let isWritten = false;
      const through = steppingObjects(remote, async (operation) => {
        if (operation === 'put packs') isWritten = true;
        if (!isWritten || ![moment, moment.replace('list', 'stat')].includes(operation)) return;
        for (const name of await namesOf(remote, 'packs'))
          if (!packs.includes(name)) await remote.delete({ kind: 'packs', name });
      });
      const refused = await collect(scene, { through }).catch(asIntegrityError);
      expect((refused as Error).message).toContain('vanished while packs were rewritten');
      expect(await namesOf(remote, 'packs')).toEqual(packs.toSorted());
      // The new ones are only written where their packs are.
      expect(await namesOf(remote, 'layouts')).toHaveLength(moment === 'list packs' ? 3 : 6);
      await expectRestorable({ remote, kept });
    }
  });

  test('of the new pack, which comes back otherwise than it was sent, ends it with nothing replaced', async () => {
    const scene = await sparseRemote();
    const { remote, packs, kept } = scene;
    const before = await namesOf(remote, 'layouts');
    const through = steppingObjects(remote, async (operation) => {
      if (operation !== 'get packs') return;
      for (const name of await namesOf(remote, 'packs'))
        if (!packs.includes(name)) await flip(remote, { kind: 'packs', name });
    });
    await expect(collect(scene, { through })).rejects.toMatchObject({ code: 'OBJECT_DAMAGED', exitCode: 3 });
    expect(before).toEqual(expect.arrayContaining(await namesOf(remote, 'layouts')));
    expect(await namesOf(remote, 'packs')).toEqual(expect.arrayContaining([...packs]));
    await expectRestorable({ remote, kept });
  });
});

describe('on a real place', () => {
  test('in a bucket', async () => {
    const { store } = await s3Store();
    const scene = await sparseRemote(store);
    // Old is what is there now.
    const { removed } = await collect(scene, { graceMs: -60_000 });
    expect(removed).toMatchObject({ layouts: 3, manifests: 3, packs: 0, repacked: 3 });
    expect(await namesOf(store, 'packs')).toHaveLength(1);
    await expectRestorable(scene);
  });

  test('in a directory', async () => {
    const path = join(scratchDirectory(), 'share');
    await prepareDirectory(path);
    const scene = await sparseRemote(new DirectoryObjectStore(path));
    const { removed } = await collect(scene, { graceMs: -60_000 });
    expect(removed).toMatchObject({ layouts: 3, manifests: 3, packs: 0, repacked: 3 });
    expect(await namesOf(scene.remote, 'packs')).toHaveLength(1);
    await expectRestorable(scene);
  });
});
