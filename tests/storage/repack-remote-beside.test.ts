import { describe, expect, test } from 'vitest';
import { RemoteError } from '../../src/errors.ts';
import { steppingObjects } from '../support/stepping.ts';
import { storeTree } from './support/pushed.ts';
import {
  asIntegrityError,
  collect,
  copyOf,
  everythingIn,
  expectComplete,
  expectRestorable,
  little,
  littleFiles,
  sparseRemote,
} from './support/sparse-remote.ts';
import { clone, namesOf } from './support/transfer-fixtures.ts';

describe('a run that is interrupted', () => {
  test('at any call leaves everything restorable, and the next one ends as if nothing had been', async () => {
    const scene = await sparseRemote();
    const whole = await copyOf(scene.remote);
    await collect({ ...scene, remote: whole });
    const wanted = await everythingIn(whole);
    await expectRestorable({ ...scene, remote: whole });
    let calls = 0;
    for (let failing = 1; ; failing += 1) {
      const remote = await copyOf(scene.remote);
      let step = 0;
      const through = steppingObjects(remote, (operation) => {
        step += 1;
        return step >= failing
          ? Promise.reject(new RemoteError('REMOTE_FAILED', `${operation} failed`))
          : Promise.resolve();
      });
      const failure = await collect({ ...scene, remote }, { through }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) break;
      expect(failure).toMatchObject({ code: 'REMOTE_FAILED' });
      calls += 1;
      await expectComplete({ ...scene, remote });
      await collect({ ...scene, remote });
      expect(await everythingIn(remote), `after a failure of call ${failing}`).toEqual(wanted);
    }
    expect(calls).toBeGreaterThan(50);
  }, 60_000);

  test('and looked at again only when all is old ends the same', async () => {
    const scene = await sparseRemote();
    const whole = await copyOf(scene.remote);
    await collect({ ...scene, remote: whole });
    const wanted = await everythingIn(whole);
    for (const deletion of [7, 8, 9, 10, 11]) {
      const remote = await copyOf(scene.remote);
      let deletions = 0;
      const through = steppingObjects(remote, (operation) => {
        if (operation.startsWith('delete')) deletions += 1;
        return deletions >= deletion
          ? Promise.reject(new RemoteError('REMOTE_FAILED', `${operation} failed`))
          : Promise.resolve();
      });
      await expect(collect({ ...scene, remote }, { through })).rejects.toMatchObject({
        code: 'REMOTE_FAILED',
      });
      remote.age(Date.now() - 15 * 86_400_000);
      await collect({ ...scene, remote });
      expect(await everythingIn(remote), `after ${deletion - 1} deletions`).toEqual(wanted);
    }
  });
});

describe('somebody who pushes meanwhile', () => {
  test('keeps the old pack that the push relies on, before the old layouts go', async () => {
    const scene = await sparseRemote();
    const { remote, from, packs } = scene;
    let digest = '';
    let isPushed = false;
    const through = steppingObjects(remote, async (operation) => {
      if (operation !== 'put layouts' || isPushed) return;
      isPushed = true;
      // All copies are there, and none of the layouts that name them.
      digest = await storeTree(from, { x: little(1), y: 'more' }, 'now');
      await from.store.transfer(remote).push([digest]);
    });
    const { removed } = await collect(scene, { through });
    expect(removed.repacked).toBe(2);
    expect(await namesOf(remote, 'packs')).toContain(packs[0]);
    expect(await from.store.transfer(remote).inspect([digest])).toMatchObject([{ state: 'complete' }]);
    await expectRestorable(scene);
    remote.age(0);
    const kept = new Map([...scene.kept, [digest, []]]);
    expect((await collect({ ...scene, kept })).removed.repacked).toBe(1);
    await expectRestorable({ remote, kept });
  });

  test('at any moment has all of it there, or is named and can push again', async () => {
    const scene = await sparseRemote();
    let named = 0;
    for (let at = 1; ; at += 1) {
      const remote = await copyOf(scene.remote);
      let step = 0;
      let digest = '';
      const through = steppingObjects(remote, async () => {
        step += 1;
        if (step !== at) return;
        digest = await storeTree(scene.from, { x: little(1), y: 'more' }, 'now');
        await scene.from.store.transfer(remote).push([digest]);
      });
      const outcome = await collect({ ...scene, remote }, { through }).catch(asIntegrityError);
      if (digest === '') break;
      const transfer = scene.from.store.transfer(remote);
      const [state] = await transfer.inspect([digest]);
      if (state?.state !== 'complete') {
        expect(outcome, `at call ${at}`).toMatchObject({ code: 'REMOTE_OBJECT_MISSING' });
        expect((outcome as Error).message).toContain(digest);
        named += 1;
      }
      await transfer.push([digest]);
      await expectComplete({ remote, kept: new Map([...scene.kept, [digest, []]]) });
    }
    expect(named).toBeGreaterThan(0);
  }, 60_000);
});

describe('other clones', () => {
  test('which remember the old layouts fetch, push and inspect as before', async () => {
    const scene = await sparseRemote();
    const { remote, kept } = scene;
    const [both = '', others = ''] = [...kept.keys()];
    const other = clone();
    const transfer = other.store.transfer(remote);
    await transfer.fetch([both], { include: (path) => path === 'little1.bin' });
    await transfer.inspect([...kept.keys()]);
    expect(other.files.list('layouts')).toHaveLength(3);
    await collect(scene);
    expect(await transfer.inspect([...kept.keys()])).toMatchObject([
      { state: 'complete' },
      { state: 'complete' },
      { state: 'complete' },
    ]);
    await transfer.fetch([both, others]);
    for (const digest of [both, others]) await other.store.verifyArtifact(digest);
    const next = await storeTree(other, { ...littleFiles([1, 2]), 'new.txt': 'new' });
    const report = await transfer.push([next], { related: () => [both] });
    expect(report.bytes.transferred).toBeLessThan(5_000);
    await expectRestorable({ remote, kept: new Map([...kept, [next, [1, 2]]]) });
  });

  test('which fetch at any moment of it get everything', async () => {
    const scene = await sparseRemote();
    for (let at = 1; ; at += 1) {
      const remote = await copyOf(scene.remote);
      let step = 0;
      const through = steppingObjects(remote, async () => {
        step += 1;
        if (step === at) await collect({ ...scene, remote });
      });
      await expectComplete({ ...scene, remote: through });
      if (step < at) break;
    }
  });
});
