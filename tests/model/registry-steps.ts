import { join } from 'node:path';
import { expect } from 'vitest';
import { addData } from '../../src/core/data/add.ts';
import { deleteVersion } from '../../src/core/registry/amend.ts';
import { loadModel } from '../../src/core/registry/model-state.ts';
import { promote, rollback } from '../../src/core/registry/promote.ts';
import { save } from '../../src/core/registry/save.ts';
import type { Clone } from './clone.ts';
import type { FaultPlan } from './faults.ts';
import { mergeDocuments, type Conflict } from './memory-git.ts';
import { live, merge, withEntry, type Expected } from './registry-model.ts';
import { refusal, World } from './world.ts';

const MODEL = 'fraud';

/** A command as a person gives it, and what strikes it. */
export interface Acting {
  world: World;
  clone: Clone;
  fault: FaultPlan | undefined;
}

export async function saveStep(acting: Acting, pieces: readonly number[]): Promise<void> {
  const { world, clone } = acting;
  const content = World.keyOf(pieces);
  const label = `${clone.name}-${world.mark()}`;
  const source = join(clone.repository.root, 'models', label);
  await World.write(content, source);
  const { record } = await world.run(clone, acting, () =>
    save(clone.repository, {
      model: MODEL,
      source,
      label,
      metrics: new Map(),
      params: new Map(),
      tags: new Map(),
      data: [],
    }),
  );
  world.learn(content, record.digest);
  clone.expected = { ...clone.expected, versions: withEntry(clone.expected.versions, label, content) };
  clone.here.add(content);
}

/** A version of the work tree, deleted ones included, counted from the newest; undefined while there is none. */
export function chooseVersion({ versions }: Expected, nth: number): string | undefined {
  const labels = [...versions.keys()].toReversed();
  return labels[nth % Math.max(1, labels.length)];
}

export async function promoteStep(
  acting: Acting,
  { version, stage }: { version: number; stage: string },
): Promise<void> {
  const label = chooseVersion(acting.clone.expected, version);
  if (label !== undefined) await promoteLabel(acting, { label, stage });
}

async function promoteLabel(
  acting: Acting,
  { label, stage }: { label: string; stage: string },
): Promise<void> {
  const { world, clone } = acting;
  const available = await isAvailable(world, clone, label);
  const refused = await refusal(
    world.run(clone, acting, () => promote(clone.repository, { reference: `${MODEL}@${label}`, stage })),
    2,
    3,
  );
  if (refused === undefined) setStage(world, clone, { stage, label });
  if (clone.expected.deleted.has(label)) expect(refused?.exitCode, 'promoting a deleted version').toBe(2);
  else if (available && refused !== undefined) throw refused;
}

function setStage(world: World, clone: Clone, { stage, label }: { stage: string; label: string }): void {
  const { stages, versions } = clone.expected;
  if (stages.get(stage)?.to === label) return;
  const pointed = { to: label, content: versions.get(label) ?? '', mark: world.mark() };
  clone.expected = { ...clone.expected, stages: withEntry(stages, stage, pointed) };
}

async function isAvailable(world: World, clone: Clone, label: string): Promise<boolean> {
  const content = clone.expected.versions.get(label) ?? '';
  return clone.here.has(content) || (await world.intactThere([content])).size > 0;
}

export async function rollbackStep(acting: Acting, stage: string): Promise<void> {
  const { world, clone } = acting;
  const before = clone.expected.stages.get(stage)?.to;
  const refused = await refusal(
    world.run(clone, acting, () =>
      rollback(clone.repository, { model: MODEL, stage, reason: 'it misbehaves' }),
    ),
    2,
    3,
  );
  const held = (await loadModel(clone.repository, MODEL)).stages.get(stage);
  const now = held?.status === 'ok' ? held.pointer.version : undefined;
  if (now === before) {
    if (refused === undefined) throw new Error('the rollback moved nothing');
    return;
  }
  // Which one it is only the events know: it has to be one that is there and was not deleted.
  expect(live(clone.expected).map(([label]) => label)).toContain(now);
  setStage(world, clone, { stage, label: now ?? '' });
}

export async function deleteStep(acting: Acting, version: number): Promise<void> {
  const label = chooseVersion(acting.clone.expected, version);
  if (label !== undefined) await deleteLabel(acting, label);
}

async function deleteLabel(acting: Acting, label: string): Promise<void> {
  const { world, clone } = acting;
  const { deleted, stages } = clone.expected;
  const isHeld = [...stages.values()].some(({ to }) => to === label);
  const refused = await refusal(
    world.run(clone, acting, () => deleteVersion(clone.repository, `${MODEL}@${label}`, 'not wanted')),
    2,
    4,
  );
  // A fault may strike after the event is there: then it is done, and the second time there is nothing to delete.
  const isDone = (await loadModel(clone.repository, MODEL)).versions.some(
    ({ record, deleted: how }) => record.version === label && how !== undefined,
  );
  if (deleted.has(label)) expect(refused?.exitCode).toBe(2);
  else if (isHeld) expect([refused?.exitCode, isDone]).toEqual([4, false]);
  else expect(isDone, refused?.message).toBe(true);
  if (isDone) clone.expected = { ...clone.expected, deleted: new Set([...deleted, label]) };
}

/** One person deletes what the other one promotes on another branch, and Git merges it: then only the stage keeps the bytes. */
export async function disagreeStep(
  world: World,
  clone: Clone,
  { version, stage }: { version: number; stage: string },
): Promise<void> {
  const other = world.other(clone);
  const label = chooseVersion(clone.expected, version);
  if (label === undefined || !other.expected.versions.has(label)) return;
  await deleteLabel({ world, clone, fault: undefined }, label);
  await promoteLabel({ world, clone: other, fault: undefined }, { label, stage });
  await mergeStep(world, clone, 'theirs');
  await mergeStep(world, other, 'theirs');
}

export async function addDataStep(
  acting: Acting,
  { path, piece }: { path: string; piece: number },
): Promise<void> {
  const { world, clone } = acting;
  const content = World.keyOf([piece]);
  await World.write(content, join(clone.repository.root, path));
  const { added } = await world.run(clone, acting, () => addData(clone.repository, { paths: [path] }));
  world.learn(content, added[0]?.pointer.digest ?? '');
  clone.here.add(content);
  clone.edits.delete(path);
  const { data } = clone.expected;
  if (data.get(path)?.content === content) return;
  clone.expected = {
    ...clone.expected,
    data: withEntry(data, path, { to: content, content, mark: world.mark() }),
  };
}

export function fetchGit(world: World, clone: Clone): void {
  clone.known = new Map(world.other(clone).branches);
}

/** `git fetch` and `git merge` of the branch that the other clone is on; conflicts of stages are settled as people do. */
export async function mergeStep(world: World, clone: Clone, side: 'ours' | 'theirs'): Promise<void> {
  await clone.commit();
  fetchGit(world, clone);
  const ours = clone.tip;
  const theirs = world.other(clone).tip;
  const base = world.git.mergeBase(ours.id, theirs.id);
  if (base?.id === theirs.id) return;
  const documents = mergeDocuments(base?.documents ?? new Map(), ours.documents, theirs.documents);
  await clone.writeDocuments(documents.merged);
  clone.expected = merge(base?.state ?? emptyState(ours.state), ours.state, theirs.state);
  for (const conflict of documents.conflicts)
    await settle({ world, clone, side, theirs: theirs.state }, conflict);
  await clone.commit(theirs.id);
}

function emptyState(like: Expected): Expected {
  return { ...like, stages: new Map(), data: new Map() };
}

interface Settling {
  world: World;
  clone: Clone;
  side: 'ours' | 'theirs';
  theirs: Expected;
}

async function settle(settling: Settling, conflict: Conflict): Promise<void> {
  const { clone, side, theirs } = settling;
  const { path } = conflict;
  const [top, , , name = ''] = path.split('/');
  const isStage = top === 'models' && path.includes('/stages/');
  if (!isStage && top !== 'data')
    throw new Error(`Git finds a conflict in ${path}, where there should never be one`);
  if (isStage) return settleStage(settling, { conflict, stage: name.replace('.json', '') });
  if (side === 'ours') return;
  const tracked = path.replace(/^data\//, '').replace(/\.json$/, '');
  const theirPointer = theirs.data.get(tracked);
  if (conflict.theirs === undefined || theirPointer === undefined) return;
  await clone.repository.plain.write(path, conflict.theirs);
  clone.expected = { ...clone.expected, data: withEntry(clone.expected.data, tracked, theirPointer) };
}

/** Tries the side that was chosen, then the other, then whatever is left: a candidate may be deleted, or its bytes nowhere. */
async function settleStage(
  { world, clone, side, theirs }: Settling,
  { conflict, stage }: { conflict: Conflict; stage: string },
): Promise<void> {
  const { path, ours: ourBytes = new Uint8Array(), theirs: theirBytes = new Uint8Array() } = conflict;
  const marked = ['<<<<<<< HEAD\n', ourBytes, '=======\n', theirBytes, '>>>>>>> theirs\n'].map((part) =>
    Buffer.from(part),
  );
  await clone.repository.plain.write(path, Buffer.concat(marked));
  const our = clone.expected.stages.get(stage)?.to ?? '';
  const their = theirs.stages.get(stage)?.to ?? '';
  const candidates = side === 'ours' ? [our, their] : [their, our];
  for (const label of [...candidates, ...live(clone.expected).map(([each]) => each)]) {
    const request = { reference: `${MODEL}@${label}`, stage, resolve: true };
    const available = !clone.expected.deleted.has(label) && (await isAvailable(world, clone, label));
    const refused = await refusal(promote(clone.repository, request), 2, 3);
    if (refused !== undefined && available) throw refused;
    if (refused !== undefined) continue;
    const pointed = { to: label, content: clone.expected.versions.get(label) ?? '', mark: world.mark() };
    clone.expected = { ...clone.expected, stages: withEntry(clone.expected.stages, stage, pointed) };
    return;
  }
  // Nothing can be promoted any more: they take one side as it is.
  await clone.repository.plain.write(path, ourBytes);
}
