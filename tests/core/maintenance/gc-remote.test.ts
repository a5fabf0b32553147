import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CONFIG } from '../../../src/config/schema.ts';
import { LocalIoError, RemoteError, type MlopsError } from '../../../src/errors.ts';
import { gc, type GcReport } from '../../../src/core/maintenance/gc.ts';
import { gcRemote, type RemoteGcReport } from '../../../src/core/maintenance/gc-remote.ts';
import { addHold } from '../../../src/core/maintenance/holds.ts';
import { deleteVersion } from '../../../src/core/registry/amend.ts';
import { inspectRemote } from '../../../src/core/transfer/inspect.ts';
import type { Git } from '../../../src/git/git.ts';
import { MemoryObjectStore } from '../../../src/storage/memory/object-store.ts';
import type { ObjectKey, ObjectStore } from '../../../src/storage/object-store.ts';
import {
  memoryRepository,
  promoteTo,
  saveVersion,
  type MemoryRepository,
} from '../../support/memory-repository.ts';
import { steppingObjects } from '../../support/stepping.ts';

const DAY_MS = 86_400_000;
const URL = '/mnt/bucket';

/** A clone whose default remote is this store. */
async function cloneWith(
  store: ObjectStore,
  { origin = 'local.json', git = {} }: { origin?: 'config.json' | 'local.json'; git?: Partial<Git> } = {},
): Promise<MemoryRepository> {
  const config = {
    ...DEFAULT_CONFIG,
    remotes: { origin: { url: URL, origin } },
    defaultRemote: 'origin',
  };
  const repository = await memoryRepository({ config, stores: { [URL]: store } });
  const noGit = await repository.git();
  const root = (): Promise<string> => Promise.resolve(repository.root);
  return { ...repository, git: () => Promise.resolve({ ...noGit, findRoot: root, ...git }) };
}

async function push(repository: MemoryRepository, digest: string): Promise<void> {
  const [artifacts, remote] = await Promise.all([repository.artifacts(), repository.remote()]);
  await artifacts.transfer(remote.objects).push([digest]);
}

/** Saves a version and pushes it; resolves to its digest. */
async function pushed(repository: MemoryRepository, label: string): Promise<string> {
  const { record } = await saveVersion(repository, label);
  await push(repository, record.digest);
  return record.digest;
}

const collect = (repository: MemoryRepository, yes = true): Promise<RemoteGcReport> =>
  gcRemote(repository, { yes, remote: undefined, soleClone: true });

async function namesOf(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for (const kind of ['layouts', 'manifests', 'packs'] as const) {
    for await (const { key } of store.list(kind)) names.push(`${kind}/${key.name}`);
  }
  return names.toSorted();
}

describe('gc of a remote', () => {
  it('removes layout, manifest and pack of what was deleted, once it is old, and keeps the rest complete', async () => {
    const store = new MemoryObjectStore();
    const repository = await cloneWith(store);
    const [gone, kept] = [await pushed(repository, 'v1'), await pushed(repository, 'v2')];
    await deleteVersion(repository, 'fraud@v1', 'x');
    const young = await collect(repository);
    expect([young.removed?.bytes, young.plan.young]).toEqual([0, [gone]]);
    store.age(Date.now() - 15 * DAY_MS);
    const before = await namesOf(store);
    const dry = await collect(repository, false);
    expect([dry.removed, await namesOf(store)]).toEqual([undefined, before]);
    const { removed } = await collect(repository);
    expect(removed).toEqual({ layouts: 1, manifests: 1, packs: 1, repacked: 0, bytes: dry.reclaimable });
    expect(await inspectRemote(repository, [gone, kept])).toMatchObject([
      { state: 'absent' },
      { state: 'complete' },
    ]);
    expect((await collect(repository)).removed?.bytes).toBe(0);
  });

  it('rewrites a pack of which little is needed, and tells before what that frees', async () => {
    const store = new MemoryObjectStore();
    const repository = await cloneWith(store);
    const little = 'little '.repeat(100);
    const treeOf = async (label: string, files: Record<string, string>): Promise<string> => {
      for (const [name, content] of Object.entries(files))
        await repository.source(`${label}/${name}`, content);
      const { record } = await saveVersion(repository, label, { source: `${repository.root}/${label}` });
      await push(repository, record.digest);
      return record.digest;
    };
    await treeOf('v1', { little, large: randomBytes(30_000).toString('base64') });
    const kept = await treeOf('v2', { little });
    await deleteVersion(repository, 'fraud@v1', 'x');
    store.age(Date.now() - 15 * DAY_MS);
    const before = await namesOf(store);
    const { plan, reclaimable } = await collect(repository, false);
    const [sparse] = plan.sparse;
    expect(plan.sparse).toHaveLength(1);
    expect(sparse).toMatchObject({ neededBlobs: 1, neededBytes: 700 });
    const dead = [...plan.layouts, ...plan.manifests].reduce((sum, { size }) => sum + size, 0);
    expect([plan.packs, plan.kept.packs]).toEqual([[], 0]);
    expect(reclaimable).toBe(dead + (sparse?.size ?? 0) - 700);
    expect(await namesOf(store)).toEqual(before);
    const { removed } = await collect(repository);
    const bytes = dead + (sparse?.size ?? 0);
    expect(removed).toEqual({ layouts: 1, manifests: 1, packs: 0, repacked: 1, bytes });
    expect(await namesOf(store)).not.toContain(`packs/${sparse?.name}`);
    const fresh = await cloneWith(store);
    const [artifacts, remote] = await Promise.all([fresh.artifacts(), fresh.remote()]);
    await artifacts.transfer(remote.objects).fetch([kept]);
    await artifacts.verifyArtifact(kept);
    expect((await collect(repository)).plan.sparse).toEqual([]);
  });

  it('keeps what another clone pushed of a branch that this one has not seen, while it is young', async () => {
    const store = new MemoryObjectStore();
    const [mine, other] = [await cloneWith(store), await cloneWith(store)];
    await pushed(mine, 'v1');
    const feature = await pushed(other, 'v2');
    expect((await collect(mine)).removed?.bytes).toBe(0);
    expect(await inspectRemote(other, [feature])).toMatchObject([{ state: 'complete' }]);
  });

  it('keeps a pack that a layout of another clone names', async () => {
    const store = new MemoryObjectStore();
    const [mine, other] = [await cloneWith(store), await cloneWith(store)];
    await pushed(mine, 'v1');
    store.age(Date.now() - 15 * DAY_MS);
    // The same bytes as one file of a directory: another manifest, the same blob, so the same pack.
    await other.source('tree/model.bin', 'bytes of v1');
    await other.source('tree/more', 'more');
    const { record } = await saveVersion(other, 'w1', { source: `${other.root}/tree` });
    await push(other, record.digest);
    await deleteVersion(mine, 'fraud@v1', 'x');
    expect((await collect(mine)).removed).toMatchObject({ layouts: 1, manifests: 1 });
    expect(await inspectRemote(other, [record.digest])).toMatchObject([{ state: 'complete' }]);
  });

  it('counts objects without a time as young', async () => {
    const store = new MemoryObjectStore();
    const timeless: ObjectStore = {
      ...steppingObjects(store, () => Promise.resolve()),
      async *list(kind, prefix) {
        for await (const { key, size } of store.list(kind, prefix)) yield { key, size };
      },
    };
    const repository = await cloneWith(timeless);
    await pushed(repository, 'v1');
    await deleteVersion(repository, 'fraud@v1', 'x');
    store.age(0);
    expect((await collect(repository)).removed?.bytes).toBe(0);
  });

  it('removes nothing when anything there can not be listed or read, or anything here', async () => {
    const plain = new MemoryObjectStore();
    let step = 0;
    let failing = 0;
    const deletions: string[] = [];
    const store = steppingObjects(plain, (operation) => {
      if (operation.startsWith('delete')) deletions.push(operation);
      step += 1;
      return step === failing
        ? Promise.reject(new RemoteError('REMOTE_FAILED', `${operation} failed`))
        : Promise.resolve();
    });
    const repository = await cloneWith(store);
    await pushed(repository, 'v1');
    await pushed(repository, 'v2');
    await deleteVersion(repository, 'fraud@v1', 'x');
    plain.age(Date.now() - 15 * DAY_MS);
    const before = await namesOf(plain);
    step = 0;
    await collect(repository, false);
    const looks = step;
    expect(looks).toBeGreaterThan(8);
    for (failing = 1; failing <= looks; failing += 1) {
      step = 0;
      await expect(collect(repository)).rejects.toMatchObject({ code: 'REMOTE_FAILED', exitCode: 7 });
      expect([deletions, await namesOf(plain)]).toEqual([[], before]);
    }
    failing = 0;
    const broken = await cloneWith(plain, {
      git: { references: () => Promise.reject(new LocalIoError('IO_FAILED', 'EIO')) },
    });
    await expect(collect(broken)).rejects.toMatchObject({ exitCode: 6 });
    const [layout] = before;
    plain.damage({ kind: 'layouts', name: layout?.slice('layouts/'.length) ?? '' }, Buffer.from('rubbish'));
    const needing = await cloneWith(plain);
    await expect(
      gcRemote(needing, { yes: true, remote: undefined, graceDays: 100, soleClone: true }),
    ).rejects.toMatchObject({
      exitCode: 3,
    });
    expect(await namesOf(plain)).toEqual(before);
  });

  it('leaves what somebody pushes while it removes, and says so when that came too late', async () => {
    const plain = new MemoryObjectStore();
    for (let at = 0; ; at += 1) {
      const other = await cloneWith(plain);
      let deletions = 0;
      let pushedDigest = '';
      const store = steppingObjects(plain, async (operation) => {
        if (!operation.startsWith('delete')) return;
        deletions += 1;
        if (deletions === at) pushedDigest = await pushed(other, 'v1');
      });
      const repository = await cloneWith(store);
      await pushed(repository, 'v1');
      await deleteVersion(repository, 'fraud@v1', 'x');
      plain.age(Date.now() - 15 * DAY_MS);
      const outcome = await collect(repository).then(
        () => 'done',
        (error: MlopsError) => error.code,
      );
      if (pushedDigest === '' && at > 0) return;
      if (at === 0) continue;
      const [state] = await inspectRemote(other, [pushedDigest]);
      // Either the push is complete, or gc names it as what has to be pushed again; and then it can be. Only a push that found the layout
      // itself a moment before it went wrote nothing that gc could see.
      if (at > 1) expect([state?.state === 'complete', outcome === 'REMOTE_OBJECT_MISSING']).toContain(true);
      await push(other, pushedDigest);
      expect(await inspectRemote(other, [pushedDigest])).toMatchObject([{ state: 'complete' }]);
    }
  });

  it('is refused for a remote that only a committed file names, and in a clone that does not fetch every branch', async () => {
    const store = new MemoryObjectStore();
    const untrusting = await cloneWith(store, { origin: 'config.json' });
    await expect(collect(untrusting)).rejects.toMatchObject({ code: 'REMOTE_NOT_TRUSTED', exitCode: 4 });
    expect((await collect(untrusting, false)).removed).toBeUndefined();
    const partial = await cloneWith(store, { git: { partiallyFetched: () => Promise.resolve(['origin']) } });
    await expect(collect(partial)).rejects.toMatchObject({ code: 'BRANCHES_UNKNOWN', exitCode: 4 });
  });
});

describe('gc of a remote beside others', () => {
  const old = Date.now() - 40 * DAY_MS;

  it('keeps what another repository keeps at the same place, however old, and counts it', async () => {
    const store = new MemoryObjectStore();
    const [mine, other] = [await cloneWith(store), await cloneWith(store)];
    const gone = await pushed(mine, 'v1');
    const theirs = await pushed(other, 'v2');
    await deleteVersion(mine, 'fraud@v1', 'x');
    store.age(old);
    const { plan, removed } = await collect(mine);
    expect([removed, plan.foreign]).toMatchObject([{ layouts: 1, manifests: 1, packs: 1 }, [theirs]]);
    expect(await inspectRemote(other, [gone, theirs])).toMatchObject([
      { state: 'absent' },
      { state: 'complete' },
    ]);
  });

  it('takes for its own what only the history of Git says was saved here, and nothing that is forged or imported', async () => {
    const store = new MemoryObjectStore();
    const [mine, other] = [await cloneWith(store), await cloneWith(store)];
    const digest = await pushed(other, 'v1');
    store.age(old);
    const event = (await other.plain.readDirectory('models/fraud/events')).find(({ name }) =>
      name.includes('-saved-'),
    );
    const bytes = event?.read() ?? new Uint8Array();
    const names = {
      'a copy elsewhere': `.mlops/models/other/events/${event?.name}`,
      'an import': `.mlops/models/fraud/events/${event?.name.replace('saved', 'imported')}`,
      'the event': `.mlops/models/fraud/events/${event?.name}`,
    };
    const removedBy = async (path: string): Promise<number | undefined> => {
      const noGit = await mine.git();
      const git: Git = {
        ...noGit,
        filesEver: () => Promise.resolve([{ id: '1'.repeat(40), path }]),
        readBlobs: (ids, visit) => {
          for (const id of ids) visit(id, bytes);
          return Promise.resolve();
        },
      };
      return (await collect({ ...mine, git: () => Promise.resolve(git) })).removed?.manifests;
    };
    expect(await removedBy(names['a copy elsewhere'])).toBe(0);
    expect(await removedBy(names['an import'])).toBe(0);
    expect(await inspectRemote(other, [digest])).toMatchObject([{ state: 'complete' }]);
    expect(await removedBy(names['the event'])).toBe(1);
  });

  it('removes nothing unless every Git remote says that this clone has what it has', async () => {
    const store = new MemoryObjectStore();
    const cases: [string, number, Partial<Git>][] = [
      ['NO_GIT_REMOTE', 4, {}],
      [
        'REFS_NOT_FETCHED',
        5,
        {
          remotes: () => Promise.resolve(['origin']),
          advertised: () => Promise.resolve({ known: [], unknown: ['main'] }),
        },
      ],
      [
        'GIT_REMOTE_FAILED',
        7,
        {
          remotes: () => Promise.resolve(['origin']),
          advertised: () => Promise.reject(new RemoteError('GIT_REMOTE_FAILED', 'no')),
        },
      ],
    ];
    for (const [code, exitCode, git] of cases) {
      const repository = await cloneWith(store, { git });
      await pushed(repository, 'v1');
      await deleteVersion(repository, 'fraud@v1', 'x');
      store.age(old);
      const before = await namesOf(store);
      const soleClone = code !== 'NO_GIT_REMOTE';
      const request = { remote: undefined, soleClone };
      await expect(gcRemote(repository, { ...request, yes: true })).rejects.toMatchObject({ code, exitCode });
      const dry = await gcRemote(repository, { ...request, yes: false });
      expect([dry.blocked?.code, dry.plan.manifests.length]).toEqual([code, 1]);
      expect(await namesOf(store)).toEqual(before);
    }
  });

  it('asks no Git remote in a dry run beside a remote that only a committed file names', async () => {
    const git = { remotes: () => Promise.reject(new Error('asked')) };
    const untrusting = await cloneWith(new MemoryObjectStore(), { origin: 'config.json', git });
    expect((await collect(untrusting, false)).blocked).toBeUndefined();
    const trusting = await cloneWith(new MemoryObjectStore(), { git });
    await expect(collect(trusting, false)).rejects.toThrow('asked');
  });
});

describe('gc that leaves bytes to the remote', () => {
  const evict = (repository: MemoryRepository, yes = true): Promise<GcReport> =>
    gc(repository, { yes, graceDays: 0, evict: { remote: undefined } });

  async function presentHere(repository: MemoryRepository, digests: readonly string[]): Promise<boolean[]> {
    const artifacts = await repository.artifacts();
    return Promise.all(digests.map((digest) => artifacts.present(digest)));
  }

  it('removes what is not in use once the remote was read, and it comes back', async () => {
    const store = new MemoryObjectStore();
    const repository = await cloneWith(store);
    const digests = [];
    for (const label of ['v1', 'v2', 'v3']) digests.push(await pushed(repository, label));
    await promoteTo(repository, 'fraud@v2');
    await addHold(repository, 'fraud@v3', 'audit');
    const dry = await evict(repository, false);
    expect([dry.evicted, await presentHere(repository, digests)]).toEqual([[digests[0]], [true, true, true]]);
    const done = await evict(repository);
    expect([done.evicted, done.removed?.manifests]).toEqual([[digests[0]], 1]);
    expect(await presentHere(repository, digests)).toEqual([false, true, true]);
    const [artifacts, remote] = await Promise.all([repository.artifacts(), repository.remote()]);
    await artifacts.transfer(remote.objects).fetch(digests);
    await artifacts.verifyArtifact(digests[0] ?? '');
  });

  it('never removes the last copy because of what a remote says of itself (B12)', async () => {
    const lies: [string, (store: MemoryObjectStore, key: ObjectKey, size: number) => Promise<unknown>][] = [
      ['other bytes of the same size', async (store, key, size) => store.damage(key, Buffer.alloc(size, 7))],
      ['another size', async (store, key, size) => store.damage(key, Buffer.alloc(size - 1, 7))],
      ['nothing', (store, key) => store.delete(key)],
    ];
    for (const kind of ['layouts', 'manifests', 'packs'] as const) {
      for (const [what, lie] of lies) {
        const store = new MemoryObjectStore();
        const repository = await cloneWith(store);
        const digest = await pushed(repository, 'v1');
        for await (const { key, size } of store.list(kind)) await lie(store, key, size);
        await expect(evict(repository), `${kind}: ${what}`).rejects.toMatchObject({ exitCode: 3 });
        expect(await presentHere(repository, [digest])).toEqual([true]);
        await (await repository.artifacts()).verifyArtifact(digest);
      }
    }
  });

  it('keeps what was promoted while the remote was read', async () => {
    const plain = new MemoryObjectStore();
    let promoting: Promise<unknown> | undefined;
    const store: ObjectStore = steppingObjects(plain, async (operation) => {
      if (operation !== 'get packs' || promoting !== undefined) return;
      promoting = promoteTo(repository, 'fraud@v1');
      await promoting;
    });
    const repository = await cloneWith(store);
    const digest = await pushed(repository, 'v1');
    const done = await evict(repository);
    expect(promoting).toBeDefined();
    expect([done.removed?.manifests, await presentHere(repository, [digest])]).toEqual([0, [true]]);
  });
});
