import { join } from 'node:path';
import { expect } from 'vitest';
import { IntegrityError } from '../../src/errors.ts';
import { checkout } from '../../src/core/data/checkout.ts';
import { gc } from '../../src/core/maintenance/gc.ts';
import { gcRemote } from '../../src/core/maintenance/gc-remote.ts';
import { load } from '../../src/core/registry/load.ts';
import { fetchWanted } from '../../src/core/transfer/fetch-wanted.ts';
import { pushWanted } from '../../src/core/transfer/push-wanted.ts';
import type { TransferReport } from '../../src/core/transfer/report.ts';
import { createMemoryArtifactStore } from '../../src/storage/memory/artifact-store.ts';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import type { Clone } from './clone.ts';
import { kept, sent } from './registry-model.ts';
import { chooseVersion, fetchGit, saveStep, type Acting } from './registry-steps.ts';
import {
  damagedObjects,
  filesHere,
  filesThere,
  namedInVain,
  noteSizes,
  readStore,
  seemsComplete,
  type StoredObjects,
} from './stored-objects.ts';
import { isContent, refusal, World } from './world.ts';

const DAY_MS = 86_400_000;

export interface PushChoice {
  all: boolean;
  repair: boolean;
}

function wantedBy(clone: Clone, all: boolean): string[] {
  if (!all) return sent(clone.expected);
  const [, ...committed] = clone.knownStates;
  const stages = committed.flatMap((state) => kept(state));
  return [...new Set([...sent(clone.expected), ...stages])];
}

const pushAs = (clone: Clone, { all, repair }: PushChoice): Promise<TransferReport> =>
  pushWanted(clone.repository, {
    references: [],
    cwd: clone.repository.root,
    all,
    repair,
    trust: { yes: true, confirm: () => Promise.resolve(undefined) },
  });

/** A push that says that it succeeded is believed by nobody: a clone that has nothing else fetches it all. */
export async function pushStep(acting: Acting, choice: PushChoice): Promise<void> {
  const { world, clone } = acting;
  const wanted = wantedBy(clone, choice.all);
  const here = await contentsHere(world, clone.objects, wanted);
  const before = await readStore(world.remote);
  const seemed = new Set(wanted.filter((key) => seemsComplete(before, world.digest(key), world.sizes)));
  let report: TransferReport | undefined;
  const refused = await refusal(
    world.run(clone, acting, () => pushAs(clone, choice)).then((done) => void (report = done)),
    3,
  );
  if (report === undefined) {
    if (refused?.code === 'OBJECT_MISSING') {
      // What a stage holds is an error where nobody has it any more, or only damaged; the others are pushed all the same.
      const isRepaired = choice.repair && damagedObjects(before).length > 0;
      const lost = wanted.filter((key) => !here.has(key) && (isRepaired || !seemed.has(key)));
      expect(lost, `refused: ${refused.message}`).not.toEqual([]);
      const others = wanted.filter((key) => !lost.includes(key));
      return expectFetchable(world, others, { repaired: choice.repair, here });
    }
    expect(damagedObjects(before), `refused: ${refused?.message}`).not.toEqual([]);
    expect(choice.repair, `repair refused: ${refused?.message}`).toBe(false);
    return;
  }
  const absent = new Set(report.absent.map(({ digest }) => digest));
  for (const key of wanted) {
    const isAbsent = absent.has(world.digest(key));
    if (here.has(key) || seemed.has(key)) {
      const isLost = choice.repair && !here.has(key);
      if (!isLost) expect(isAbsent, `${key} is called absent`).toBe(false);
    }
  }
  const pushed = wanted.filter((key) => !absent.has(world.digest(key)));
  await expectFetchable(world, pushed, { repaired: choice.repair, here });
}

/** After a push: all of it is there by name and size, and comes back but for bits that flipped where nobody looks. */
async function expectFetchable(
  world: World,
  keys: readonly string[],
  { repaired, here }: { repaired: boolean; here: ReadonlySet<string> },
): Promise<void> {
  const after = await readStore(world.remote);
  noteSizes(after, world.sizes);
  const rotten = damagedObjects(after);
  for (const key of keys) {
    // How long a manifest has to be knows only who has it.
    const isUnknown = !here.has(key) && rotten.includes(`manifests/${world.digest(key).slice(7)}`);
    const seems = isUnknown || seemsComplete(after, world.digest(key), world.sizes);
    expect(seems, `${key} was pushed and is not all there`).toBe(true);
    const isWhole = isContent(key, filesThere(after, world.digest(key)));
    if (isWhole) world.there.add(key);
    else expect(rotten, `${key} was pushed and does not come back`).not.toEqual([]);
    if (repaired) expect(isWhole, `${key} was repaired and does not come back`).toBe(true);
  }
  const whole = keys.filter((key) => world.there.has(key));
  const objects = new MemoryObjectStore();
  const third = createMemoryArtifactStore({ root: world.clone('ann').repository.root, objects });
  await third.transfer(world.remote).fetch(whole.map((key) => world.digest(key)));
  const found = await contentsHere(world, objects, whole);
  expect([...found], 'what a third clone fetches').toEqual(whole);
}

/** Those of which the store has every byte, in intact objects. */
export async function contentsHere(
  world: World,
  objects: MemoryObjectStore,
  keys: readonly string[],
): Promise<Set<string>> {
  const stored = await readStore(objects);
  return new Set(keys.filter((key) => isContent(key, filesHere(stored, world.digest(key)))));
}

export async function fetchStep(acting: Acting): Promise<void> {
  const { world, clone } = acting;
  const wanted = sent(clone.expected);
  const available = new Set([
    ...(await contentsHere(world, clone.objects, wanted)),
    ...(await world.intactThere(wanted)),
  ]);
  const { problem } = await world.run(clone, acting, async () => {
    const fetched = await fetchWanted(clone.repository, {
      references: [],
      cwd: clone.repository.root,
      all: true,
    });
    // It goes on without what it can't read, and so may say that something is missing.
    if (fetched.problem !== undefined && clone.faults.struck) throw fetched.problem;
    return fetched;
  });
  const here = await contentsHere(world, clone.objects, wanted);
  for (const key of available) expect(here, `${key} after fetch: ${problem?.message}`).toContain(key);
  for (const key of here) clone.here.add(key);
  if (problem === undefined) expect([...here]).toEqual(wanted);
  else expect(available.size, problem.message).toBeLessThan(wanted.length);
}

export async function loadStep(acting: Acting, version: number): Promise<void> {
  const { clone } = acting;
  const label = chooseVersion(clone.expected, version);
  if (label !== undefined) await loadLabel(acting, label);
}

/** Restores a version to files and compares them; it may be missing only if it is neither here nor intact on the remote. */
export async function loadLabel(acting: Acting, label: string): Promise<void> {
  const { world, clone } = acting;
  const { expected, repository } = clone;
  const key = expected.versions.get(label) ?? '';
  const available = clone.here.has(key) || (await world.intactThere([key])).size > 0;
  const target = join(repository.root, 'out');
  const request = { reference: `fraud@${label}`, target, force: true, cwd: repository.root, files: [] };
  let outcome: string | undefined;
  const refused = await refusal(
    world.run(clone, acting, () => load(repository, request)).then((loaded) => void ({ outcome } = loaded)),
    2,
    3,
  );
  if (expected.deleted.has(label)) {
    expect(refused?.exitCode, 'load of a deleted version').toBe(2);
    return;
  }
  if (refused === undefined) {
    await World.expectAt(key, target);
    // Files that are right already are left alone, also where the store lost what they were made of.
    if (outcome === 'restored') clone.here.add(key);
  } else if (available) {
    throw refused;
  }
}

export async function checkoutStep(acting: Acting): Promise<void> {
  const { world, clone } = acting;
  const { data } = clone.expected;
  const contents = [...data.values()].map(({ content }) => content);
  const here = await contentsHere(world, clone.objects, contents);
  const intact = await world.intactThere(contents);
  const done = await world.run(clone, acting, async () => {
    const results = await checkout(clone.repository, { force: true });
    const failed = results.find(({ outcome }) => outcome === 'failed');
    if (failed?.outcome === 'failed' && clone.faults.struck) throw failed.problem;
    return results;
  });
  expect(done.map(({ path }) => path)).toEqual([...data.keys()].toSorted());
  for (const each of done) {
    const key = data.get(each.path)?.content ?? '';
    if (each.outcome === 'failed') {
      if (here.has(key) || intact.has(key)) throw each.problem;
      continue;
    }
    if (each.outcome === 'restored') clone.here.add(key);
    clone.edits.delete(each.path);
    await World.expectAt(key, join(clone.repository.root, each.path));
  }
}

export async function gcStep(acting: Acting): Promise<void> {
  const { world, clone } = acting;
  const needed = neededBy(clone);
  const forget = (): Promise<void> => Promise.resolve(keepOnly(clone.here, needed));
  await world.run(clone, { ...acting, onFailure: forget }, () =>
    gc(clone.repository, { yes: true, graceDays: 0 }),
  );
  await forget();
  const stored = await readStore(clone.objects);
  const left = [...stored.manifests.keys()].filter((name) => !hasName(world, needed, name));
  expect(left, 'manifests that gc left although nothing needs them').toEqual([]);
}

function hasName(world: World, keys: ReadonlySet<string>, name: string): boolean {
  return [...keys].some((key) => world.digest(key) === `sha256:${name}`);
}

/** Keys of the contents that gc has to leave alone. */
export function neededBy(clone: Clone): Set<string> {
  return new Set(clone.knownStates.flatMap((state) => kept(state)));
}

export function keepOnly(keys: Set<string>, needed: ReadonlySet<string>): void {
  for (const key of keys) if (!needed.has(key)) keys.delete(key);
}

/** With no grace it takes away what this clone once knew of and needs no more; what only the other one knows of stays. */
export async function gcRemoteStep(acting: Acting): Promise<void> {
  const { world, clone } = acting;
  fetchGit(world, clone);
  const needed = neededBy(clone);
  const before = await readStore(world.remote);
  const named = await clone.namedDigests();
  const isForeign = (key: string): boolean => !named.has(world.digest(key));
  const forget = async (): Promise<void> => {
    keepOnly(world.there, new Set([...needed, ...[...world.there].filter((key) => isForeign(key))]));
    await expectLayoutsFirst(world, before);
  };
  const refused = await refusal(
    world.run(clone, { ...acting, onFailure: forget }, () =>
      gcRemote(clone.repository, { yes: true, graceDays: 0, remote: undefined }),
    ),
    3,
  );
  const damaged = damagedObjects(before);
  if (refused !== undefined) {
    expect(damaged, `gc refused: ${refused.message}`).not.toEqual([]);
    if (damaged.some((path) => path.startsWith('layouts/'))) return;
    // Whatever else is damaged keeps packs from being rewritten, and nothing else.
    expect(refused.message).toMatch(/left on the remote as they are: .*; everything else is done$/);
  }
  await forget();
  const after = await readStore(world.remote);
  const foreign = [...before.layouts.keys()].filter((name) => !named.has(`sha256:${name.slice(0, 64)}`));
  const lost = foreign.filter((name) => !after.layouts.has(name));
  expect(lost, 'layouts of what this clone never knew of, and removed').toEqual([]);
  const left = [...after.layouts.keys()].filter(
    (name) => !foreign.includes(name) && !hasName(world, needed, name.slice(0, 64)),
  );
  expect(left, 'layouts that gc left although nothing needs them').toEqual([]);
}

/** What gc takes away no layout that stays may name, also when it was stopped in the middle. */
async function expectLayoutsFirst(world: World, before: StoredObjects): Promise<void> {
  const after = await readStore(world.remote);
  const isLost = (path: string): boolean => !hasPath(after, path) && hasPath(before, path);
  expect(
    namedInVain(after, (path) => !isLost(path)),
    'layouts of what gc removed',
  ).toEqual([]);
}

function hasPath({ packs, manifests }: StoredObjects, path: string): boolean {
  const [kind, name = ''] = path.split('/');
  return kind === 'packs' ? packs.has(name) : manifests.has(name);
}

/**
 * The one clone collects the remote's garbage with a grace period, and in the middle of it the other one pushes what it has just
 * saved, out of pieces that may lie in old packs which gc removes. Either it is all there in the end, or gc says so and the
 * next push mends it.
 */
export async function raceStep(
  world: World,
  clone: Clone,
  { pieces, at }: { pieces: readonly number[]; at: number },
): Promise<void> {
  const pusher = world.other(clone);
  await pusher.commit();
  fetchGit(world, clone);
  const plain = { world, clone: pusher, fault: undefined };
  await saveStep(plain, pieces);
  world.remote.age(Date.now() - 2 * DAY_MS);
  const needed = neededBy(clone);
  const wanted = sent(pusher.expected);
  const here = await contentsHere(world, pusher.objects, wanted);
  let pushed: TransferReport | IntegrityError | undefined;
  clone.faults.interrupt(at, async () => {
    pushed = await pushAs(pusher, { all: false, repair: false }).catch(asIntegrityError);
  });
  const collected = await gcRemote(clone.repository, { yes: true, graceDays: 1, remote: undefined }).catch(
    asIntegrityError,
  );
  clone.faults.endInterrupt();
  keepOnly(world.there, needed);
  const isSettled = pushed !== undefined && !(pushed instanceof Error) && !(collected instanceof Error);
  if (!isSettled) return pushStep(plain, { all: false, repair: false });
  const absent = new Set((pushed as TransferReport).absent.map(({ digest }) => digest));
  const names = wanted.filter((key) => !absent.has(world.digest(key)));
  await expectFetchable(world, names, { repaired: false, here });
}

function asIntegrityError(error: unknown): IntegrityError {
  if (error instanceof IntegrityError) return error;
  throw error;
}

/** What happens to a bucket: somebody removes an object, or a disk does. What the remote can give is asked again. */
export async function damageStep(
  world: World,
  { object, how }: { object: number; how: 'remove' | 'flip' | 'truncate' },
): Promise<void> {
  const objects = await readStore(world.remote);
  const keys = (['packs', 'manifests', 'layouts'] as const).flatMap((kind) =>
    [...objects[kind].keys()].toSorted().map((name) => ({ kind, name })),
  );
  const key = keys[object % Math.max(1, keys.length)];
  if (key === undefined) return;
  const bytes = new Uint8Array(objects[key.kind].get(key.name) ?? []);
  if (how === 'remove') await world.remote.delete(key);
  else if (how === 'truncate') world.remote.damage(key, bytes.slice(0, bytes.length - 1));
  else {
    const at = (object * 31) % bytes.length;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    world.remote.damage(key, bytes);
  }
  const intact = await world.intactThere(world.there);
  for (const each of world.there) if (!intact.has(each)) world.there.delete(each);
}
