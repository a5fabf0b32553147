import { expect } from 'vitest';
import { verify } from '../../src/core/maintenance/verify.ts';
import { listModels, loadModel } from '../../src/core/registry/model-state.ts';
import type { Clone } from './clone.ts';
import { editStep, evictStep, gcUnfetchedStep, rotStep } from './local-steps.ts';
import { live, type Expected } from './registry-model.ts';
import {
  addDataStep,
  deleteStep,
  disagreeStep,
  mergeStep,
  promoteStep,
  rollbackStep,
  saveStep,
} from './registry-steps.ts';
import type { Step } from './steps.ts';
import { damagedObjects, filesHere, readStore } from './stored-objects.ts';
import {
  checkoutStep,
  damageStep,
  fetchStep,
  gcRemoteStep,
  gcStep,
  loadLabel,
  loadStep,
  pushStep,
  raceStep,
} from './transfer-steps.ts';
import { isContent, World } from './world.ts';

/** Where a sequence failed, so that it can be told. */
export class StepFailed extends Error {
  /** Number of the step, from 0; that of steps when the last look failed. */
  readonly at: number;

  constructor(at: number, cause: unknown) {
    super(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause), { cause });
    this.at = at;
  }
}

/** Plays a sequence and looks at everything after each step. @throws StepFailed */
export async function play(steps: readonly Step[]): Promise<void> {
  const world = await World.create();
  let at = 0;
  try {
    for (const step of steps) {
      await perform(world, step);
      await lookAtRemote(world);
      for (const clone of world.clones.values()) await lookAt(world, clone);
      at += 1;
    }
    await lookAtTheEnd(world);
  } catch (error) {
    throw new StepFailed(at, error);
  }
}

async function perform(world: World, step: Step): Promise<void> {
  if (step.do === 'damage the remote') return damageStep(world, step);
  if (step.do === 'merge both ways') {
    for (const each of world.clones.values()) await mergeStep(world, each, step.side);
    return;
  }
  const clone = world.clone(step.by);
  const acting = { world, clone, fault: 'fault' in step ? step.fault : undefined };
  switch (step.do) {
    case 'save':
      return saveStep(acting, step.pieces);
    case 'promote':
      return promoteStep(acting, step);
    case 'rollback':
      return rollbackStep(acting, step.stage);
    case 'delete':
      return deleteStep(acting, step.version);
    case 'load':
      return loadStep(acting, step.version);
    case 'add data':
      return addDataStep(acting, step);
    case 'checkout':
      return checkoutStep(acting);
    case 'push':
      return pushStep(acting, step);
    case 'fetch':
      return fetchStep(acting);
    case 'gc':
      return gcStep(acting);
    case 'gc of the remote':
      return gcRemoteStep(acting);
    case 'gc of the remote during a push':
      return raceStep(world, clone, step);
    case 'gc of the remote before a fetch':
      return gcUnfetchedStep(acting);
    case 'evict':
      return evictStep(acting);
    case 'edit and checkout':
      return editStep(acting, step.path);
    case 'rot':
      return rotStep(acting, step.object);
    case 'disagree':
      return disagreeStep(world, clone, step);
    case 'merge':
      return mergeStep(world, clone, step.side);
    case 'switch':
      return clone.switchTo(step.branch);
    case 'commit':
      return clone.commit();
    case 'lose caches':
      return clone.restart();
  }
}

async function lookAtRemote(world: World): Promise<void> {
  await world.lookAtLayouts();
  const intact = await world.intactThere(world.there);
  for (const key of world.there) expect(intact, `the remote lost ${key}`).toContain(key);
}

/** Bytes, documents, and that each stage is where its events say. */
async function lookAt(world: World, clone: Clone): Promise<void> {
  const { expected, repository } = clone;
  const stored = await readStore(clone.objects);
  expect(damagedObjects(stored), `damaged in the clone of ${clone.name}`).toEqual([]);
  for (const key of clone.here)
    expect(isContent(key, filesHere(stored, world.digest(key))), `${clone.name} lost ${key}`).toBe(true);
  if ((await listModels(repository.documents)).length === 0) {
    expect(expected.versions.size).toBe(0);
    return;
  }
  const { versions, stages, problems } = await loadModel(repository, 'fraud');
  expect(problems.map(({ path, error }) => `${error.code}: ${path}`)).toEqual(
    stagesOfDeleted(expected).map((path) => `STAGE_HOLDS_DELETED: ${path}`),
  );
  expect(versions.map(({ record }) => record.version).toSorted()).toEqual(
    [...expected.versions.keys()].toSorted(),
  );
  const deleted = versions.filter((version) => version.deleted).map(({ record }) => record.version);
  expect(deleted.toSorted()).toEqual([...expected.deleted].toSorted());
  const held = [...stages].map(
    ([stage, state]) => `${stage}: ${state.status === 'ok' ? state.pointer.version : state.status}`,
  );
  expect(held.toSorted()).toEqual(
    [...expected.stages].map(([stage, { to }]) => `${stage}: ${to}`).toSorted(),
  );
}

/** Everything comes back as files, the audit trail is whole, and one push from each side makes the remote whole. */
async function lookAtTheEnd(world: World): Promise<void> {
  for (const clone of world.clones.values()) {
    const acting = { world, clone, fault: undefined };
    const { damage, conflict } = await verify(clone.repository, { references: [], metadataOnly: true });
    const contradicted = stagesOfDeleted(clone.expected);
    expect({ damage: damage.map(({ path }) => path), conflict: conflict?.code }).toEqual({
      damage: contradicted,
      conflict: contradicted.length === 0 ? undefined : 'STAGE_HOLDS_DELETED',
    });
    for (const [label] of live(clone.expected)) await loadLabel(acting, label);
    await pushStep(acting, { all: true, repair: true });
    await gcStep(acting);
    await fetchStep(acting);
  }
}

/** One branch may promote what another one deletes: Git merges that, and `verify` says so. */
function stagesOfDeleted({ stages, deleted }: Expected): string[] {
  return [...stages]
    .filter(([, { to }]) => deleted.has(to))
    .map(([stage]) => `.mlops/models/fraud/stages/${stage}.json`)
    .toSorted();
}
