import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LocalIoError, type MlopsError } from '../../../src/errors.ts';
import { gc } from '../../../src/core/maintenance/gc.ts';
import { deleteVersion } from '../../../src/core/registry/amend.ts';
import { load } from '../../../src/core/registry/load.ts';
import { listModels, liveVersions, loadModel } from '../../../src/core/registry/model-state.ts';
import type { Git } from '../../../src/git/git.ts';
import { createMemoryArtifactStore } from '../../../src/storage/memory/artifact-store.ts';
import { createMemoryCommitLock } from '../../../src/storage/memory/commit-lock.ts';
import { MemoryObjectStore } from '../../../src/storage/memory/object-store.ts';
import {
  memoryRepository,
  promoteTo,
  saveVersion,
  type MemoryRepository,
} from '../../support/memory-repository.ts';
import { steppingDocuments, steppingObjects, waitingLock, type Step } from '../../support/stepping.ts';

interface Scene {
  /** Used by the command under test: every operation is a step. */
  stepped: MemoryRepository;
  /** The same stores without steps, for whatever happens in between. */
  plain: MemoryRepository;
  objects: MemoryObjectStore;
  onStep(step: Step): void;
  onWait(wait: () => void): void;
}

/** A repository in memory at the root of a Git work tree without commits. */
async function scene(): Promise<Scene> {
  let step: Step = () => Promise.resolve();
  let wait = (): void => undefined;
  const base = await memoryRepository();
  const objects = new MemoryObjectStore();
  const lock = createMemoryCommitLock();
  const noGit = await base.git();
  const git: Git = { ...noGit, findRoot: () => Promise.resolve(base.root) };
  const anyStep: Step = (operation) => step(operation);
  const steppedGit: Git = {
    ...git,
    references: async () => (await anyStep('git references'), []),
    listIndex: async () => (await anyStep('git listIndex'), []),
  };
  const plainStore = createMemoryArtifactStore({ root: base.root, objects });
  const steppedStore = createMemoryArtifactStore({
    root: base.root,
    objects: steppingObjects(objects, anyStep),
  });
  return {
    objects,
    plain: {
      ...base,
      lock: waitingLock(lock, () => wait()),
      git: () => Promise.resolve(git),
      artifacts: () => Promise.resolve(plainStore),
    },
    stepped: {
      ...base,
      documents: steppingDocuments(base.documents, anyStep),
      lock: waitingLock(lock, () => wait()),
      git: () => Promise.resolve(steppedGit),
      artifacts: () => Promise.resolve(steppedStore),
    },
    onStep: (next) => void (step = next),
    onWait: (next) => void (wait = next),
  };
}

const collect = (repository: MemoryRepository): ReturnType<typeof gc> =>
  gc(repository, { yes: true, graceDays: 0 });

async function count(objects: MemoryObjectStore): Promise<number> {
  let found = 0;
  for (const kind of ['manifests', 'packs'] as const) {
    for await (const info of objects.list(kind)) found += info.size > 0 ? 1 : 0;
  }
  return found;
}

/** Dead objects of v1, and a live version that shares a file with it. */
async function withGarbage(repository: MemoryRepository): Promise<string> {
  const directory = join(repository.root, 'model');
  await mkdir(directory, { recursive: true });
  for (const name of ['a', 'b', 'c', 'd']) await writeFile(join(directory, name), name.repeat(3000));
  await saveVersion(repository, 'v1', { source: directory });
  await deleteVersion(repository, 'fraud@v1', 'x');
  await saveVersion(repository, 'small', { source: join(directory, 'a') });
  return directory;
}

describe('a fault while gc looks', () => {
  it('at any step removes nothing, and the next run does its work', async () => {
    const first = await scene();
    await withGarbage(first.plain);
    const operations: string[] = [];
    first.onStep((operation) => Promise.resolve(void operations.push(operation)));
    await collect(first.stepped);
    const firstRemoval = operations.findIndex((operation) => operation.startsWith('delete'));
    expect(firstRemoval).toBeGreaterThan(20);
    for (let at = 0; at < firstRemoval; at += 1) {
      const { plain, stepped, objects, onStep } = await scene();
      await withGarbage(plain);
      let step = 0;
      const deleted: string[] = [];
      onStep((operation) => {
        if (operation.startsWith('delete')) deleted.push(operation);
        step += 1;
        const fault = new LocalIoError('IO_FAILED', `${operation}: EIO`);
        return step === at + 1 ? Promise.reject(fault) : Promise.resolve();
      });
      const message = await collect(stepped).then(
        () => 'done',
        (error: MlopsError) => error.message,
      );
      expect([message, deleted], operations[at]).toEqual([expect.stringContaining('EIO'), []]);
      onStep(() => Promise.resolve());
      await collect(stepped);
      expect(await count(objects), operations[at]).toBe(2);
      expect(await (await plain.artifacts()).verifyObjects([])).toMatchObject({ damage: [] });
    }
  }, 120_000);

  it('while it removes leaves what is needed, and the next run finishes', async () => {
    for (let nth = 1; ; nth += 1) {
      const { plain, stepped, objects, onStep } = await scene();
      await withGarbage(plain);
      let deletions = 0;
      onStep((operation) => {
        if (operation.startsWith('delete')) deletions += 1;
        const strikes = operation.startsWith('delete') && deletions === nth;
        return strikes ? Promise.reject(new LocalIoError('IO_FAILED', 'EIO')) : Promise.resolve();
      });
      const failed = await collect(stepped).then(
        () => false,
        () => true,
      );
      if (!failed) {
        expect(nth).toBeGreaterThan(2);
        return;
      }
      await expectLoads(plain, 'fraud@small', 'a'.repeat(3000));
      onStep(() => Promise.resolve());
      await collect(stepped);
      expect(await count(objects)).toBe(2);
      await expectLoads(plain, 'fraud@small', 'a'.repeat(3000));
    }
  }, 120_000);
});

async function expectLoads(repository: MemoryRepository, reference: string, text: string): Promise<void> {
  const target = join(repository.root, 'out');
  await load(repository, { reference, target, force: true, cwd: repository.root, files: [] });
  expect(await readFile(target, 'utf8')).toBe(text);
}

/** Number of steps of a run, and what happens when `other` starts before the nth of them. */
async function interleave(
  prepare: (plain: MemoryRepository) => Promise<void>,
  command: (stepped: MemoryRepository) => Promise<unknown>,
  other: (plain: MemoryRepository) => Promise<unknown>,
  check: (plain: MemoryRepository, name: string) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at += 1) {
    const { plain, stepped, onStep, onWait } = await scene();
    await prepare(plain);
    let step = 0;
    let name = '';
    let running: Promise<unknown> | undefined;
    onStep(async (operation) => {
      step += 1;
      if (step !== at) return;
      name = operation;
      const waits = new Promise<void>((resolve) => onWait(resolve));
      running = other(plain);
      // It either ends, or waits for the lock that the command holds; then the command goes on.
      await Promise.race([running, waits]);
    });
    await command(stepped);
    if (running === undefined) return at - 1;
    await running;
    await check(plain, `${at} ${name}`);
  }
}

describe('gc and save at the same time', () => {
  const saveAgain = (repository: MemoryRepository): Promise<unknown> =>
    saveVersion(repository, 'v2', { source: join(repository.root, 'model') });
  const check = async (plain: MemoryRepository, name: string): Promise<void> => {
    const artifacts = await plain.artifacts();
    for (const model of await listModels(plain.documents)) {
      for (const { record } of liveVersions(await loadModel(plain, model))) {
        await expect(
          artifacts.verifyArtifact(record.digest),
          `${name}: ${record.version}`,
        ).resolves.toBeUndefined();
      }
    }
  };

  it('gc before any step of a save that builds on what gc removes', async () => {
    const steps = await interleave(
      async (plain) => void (await withGarbage(plain)),
      saveAgain,
      (plain) => collect(plain),
      check,
    );
    expect(steps).toBeGreaterThan(20);
  }, 240_000);

  it('would lose bytes if save did not ask under the lock, so the test above can tell', async () => {
    const careless = async (stepped: MemoryRepository): Promise<unknown> => {
      const real = await stepped.artifacts();
      const artifacts: typeof real = Object.create(real, {
        store: {
          value: async (...options: Parameters<typeof real.store>) => ({
            ...(await real.store(...options)),
            isStillThere: () => Promise.resolve(true),
          }),
        },
      }) as typeof real;
      for (const name of ['verifyArtifact', 'present'] as const) {
        Object.defineProperty(artifacts, name, { value: real[name].bind(real) });
      }
      return saveAgain({ ...stepped, artifacts: () => Promise.resolve(artifacts) });
    };
    await expect(
      interleave(async (plain) => void (await withGarbage(plain)), careless, collect, check),
    ).rejects.toThrow(/not inta/);
  }, 240_000);

  it('a save before any step of a gc that would remove what the save builds on', async () => {
    const steps = await interleave(
      async (plain) => void (await withGarbage(plain)),
      (stepped) => collect(stepped),
      saveAgain,
      check,
    );
    expect(steps).toBeGreaterThan(20);
  }, 240_000);
});

describe('gc and a reader at the same time', () => {
  it('gc before any step of a load of what gc moves to another pack', async () => {
    const steps = await interleave(
      async (plain) => void (await withGarbage(plain)),
      async (stepped) => {
        const target = join(stepped.root, 'read');
        await load(stepped, { reference: 'fraud@small', target, cwd: stepped.root, files: [] });
        expect(await readFile(target, 'utf8')).toBe('a'.repeat(3000));
      },
      (plain) => collect(plain),
      (plain) => expectLoads(plain, 'fraud@small', 'a'.repeat(3000)),
    );
    expect(steps).toBeGreaterThan(5);
  }, 240_000);
});

describe('any sequence of saves, promotions, deletions and collections', () => {
  type Action =
    | { do: 'save'; files: readonly number[] }
    | { do: 'delete' | 'promote'; nth: number }
    | { do: 'gc' };
  const action: fc.Arbitrary<Action> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('save' as const),
        files: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 6 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'promote' as const), nth: fc.nat(20) }),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'gc' as const }) },
  );

  it('leaves every version that was not deleted byte for byte, and nothing else once it has settled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 25 }), async (actions) => {
        const { plain, objects } = await scene();
        const alive = new Map<string, readonly number[]>();
        let production: string | undefined;
        for (const [at, each] of actions.entries()) {
          if (each.do === 'save') {
            const label = `v${at}`;
            const source = join(plain.root, label);
            await mkdir(source);
            for (const file of each.files) await writeFile(join(source, `${file}`), contentOf(file));
            await saveVersion(plain, label, { source, params: new Map([['at', label]]) });
            alive.set(label, each.files);
          } else if (each.do === 'gc') {
            await collect(plain);
          } else {
            const label = [...alive.keys()][each.nth];
            if (label === undefined) continue;
            if (each.do === 'promote') {
              await promoteTo(plain, `fraud@${label}`);
              production = label;
            } else if (label !== production) {
              await deleteVersion(plain, `fraud@${label}`, 'x');
              alive.delete(label);
            }
          }
        }
        for (let run = 0; run < 2; run += 1) await collect(plain);
        const { plan } = await gc(plain, { yes: false, graceDays: 0 });
        expect([plan.manifests, plan.packs, plan.sparse]).toEqual([[], [], []]);
        for (const [label, files] of alive) {
          const target = join(plain.root, `out-${label}`);
          await load(plain, { reference: `fraud@${label}`, target, cwd: plain.root, files: [] });
          for (const file of files) {
            expect(await readFile(join(target, `${file}`), 'utf8')).toBe(contentOf(file));
          }
        }
        if (alive.size === 0) expect(await count(objects)).toBe(0);
      }),
      { numRuns: 60, seed: 20261124 },
    );
  }, 240_000);
});

/** Sizes differ, so that packs become sparse in many ways. */
function contentOf(file: number): string {
  return Array.from({ length: 50 * (file + 1) }, (_, at) => `${file}:${at * at}`).join(' ');
}
