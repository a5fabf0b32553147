import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { checkout } from '../../src/core/data/checkout.ts';
import { gc } from '../../src/core/maintenance/gc.ts';
import { gcRemote } from '../../src/core/maintenance/gc-remote.ts';
import { verify } from '../../src/core/maintenance/verify.ts';
import type { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import type { ObjectKey } from '../../src/storage/object-store.ts';
import type { Clone } from './clone.ts';
import { live, sent } from './registry-model.ts';
import type { Acting } from './registry-steps.ts';
import { damagedObjects, readStore, type StoredObjects } from './stored-objects.ts';
import { checkoutStep, contentsHere, gcRemoteStep, keepOnly, loadLabel, neededBy } from './transfer-steps.ts';
import { refusal, World } from './world.ts';

/** Versions that are loaded after an object rotted: each load reads a whole artifact. */
const LOADED = 2;

/**
 * `gc --evict`: what is needed and not in use goes from here, if the remote has it whole at this moment. Else nothing goes, also
 * no garbage.
 */
export async function evictStep(acting: Acting): Promise<void> {
  const { world, clone } = acting;
  const { stages, data } = clone.expected;
  const inUse = new Set([...stages.values(), ...data.values()].map(({ content }) => content));
  const before = await readStore(clone.objects);
  const chosen = [...new Set(neededBy(clone))].filter(
    (key) => !inUse.has(key) && before.manifests.has(world.digest(key).slice('sha256:'.length)),
  );
  const intact = await world.intactThere(chosen);
  const lacking = chosen.filter((key) => !intact.has(key));
  const forget = (): void => {
    if (lacking.length === 0) keepOnly(clone.here, inUse);
  };
  const refused = await refusal(
    world.run(clone, { ...acting, onFailure: () => Promise.resolve(forget()) }, () =>
      gc(clone.repository, { yes: true, graceDays: 0, evict: { remote: undefined } }),
    ),
    3,
  );
  if (refused !== undefined) {
    const wrong = [...lacking, ...damagedObjects(await readStore(world.remote))];
    expect(wrong, `evict refused: ${refused.message}`).not.toEqual([]);
    expect(namesIn(await readStore(clone.objects)), 'what an evict that was refused left').toEqual(
      namesIn(before),
    );
    return;
  }
  expect(lacking, 'evicted, and nobody else has it').toEqual([]);
  for (const key of chosen) world.there.add(key);
  forget();
  const left = [...(await readStore(clone.objects)).manifests.keys()].map((name) => `sha256:${name}`);
  const wanted = new Set([...inUse].map((key) => world.digest(key)));
  expect(
    left.filter((digest) => !wanted.has(digest)),
    'manifests that evict left although nothing here uses them',
  ).toEqual([]);
}

function namesIn({ packs, manifests }: StoredObjects): string[] {
  return [...packs.keys(), ...manifests.keys()].toSorted();
}

/**
 * One bit of an object of this clone flips. `verify` says so; what needs it is restored right, from the remote if that has it, or
 * refused; a repair brings back what can be had and leaves nothing damaged.
 */
export async function rotStep(acting: Acting, object: number): Promise<void> {
  const { world, clone } = acting;
  const { repository, expected } = clone;
  const key = await rot(clone.objects, object);
  if (key === undefined) return;
  const found = await verify(repository, { references: [], deep: true });
  expect(
    found.damage.map(({ path }) => path.split('/').at(-1)),
    `verify does not name ${key.kind}/${key.name}`,
  ).toContain(key.name);
  const before = [...clone.here];
  const hereNow = await contentsHere(world, clone.objects, before);
  keepOnly(clone.here, hereNow);
  const struck = live(expected).filter(([, content]) => !hereNow.has(content));
  for (const [label] of struck.slice(0, LOADED)) await loadLabel(acting, label);
  if ([...expected.data.values()].some(({ content }) => !hereNow.has(content))) await checkoutStep(acting);
  const wanted = new Set(sent(expected));
  const intact = await world.intactThere(before);
  const { damage } = await verify(repository, { references: [], deep: true, repair: true });
  expect(damagedObjects(await readStore(clone.objects)), 'left by a repair').toEqual([]);
  const healed = await contentsHere(world, clone.objects, before);
  const lost = before.filter((each) => wanted.has(each) && !healed.has(each));
  expect(
    lost.filter((each) => intact.has(each)),
    'not repaired, although the remote has it',
  ).toEqual([]);
  if (lost.length > 0)
    expect(damage.map(({ kind }) => kind).filter((kind) => kind !== 'stage')).not.toEqual([]);
  clone.here.clear();
  for (const each of healed) clone.here.add(each);
}

async function rot(objects: MemoryObjectStore, nth: number): Promise<ObjectKey | undefined> {
  const stored = await readStore(objects);
  const keys = (['packs', 'manifests'] as const).flatMap((kind) =>
    [...stored[kind].keys()].toSorted().map((name) => ({ kind, name })),
  );
  const key = keys[nth % Math.max(1, keys.length)];
  if (key === undefined) return undefined;
  const bytes = new Uint8Array(stored[key.kind].get(key.name) ?? []);
  // The first bytes belong to no blob.
  const at = nth % 5 === 0 ? nth % 4 : (nth * 31) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  objects.damage(key, bytes);
  return key;
}

/** Who has not fetched what the other one has on a branch may remove nothing from the remote. */
export async function gcUnfetchedStep(acting: Acting): Promise<void> {
  const { world, clone } = acting;
  if (clone.advertised().unknown.length === 0) return gcRemoteStep(acting);
  const before = await readStore(world.remote);
  const refused = await refusal(
    gcRemote(clone.repository, { yes: true, graceDays: 0, remote: undefined }),
    5,
  );
  expect(refused?.code, 'gc of the remote by who has not fetched').toBe('REFS_NOT_FETCHED');
  expect(await readStore(world.remote)).toEqual(before);
}

/** Somebody writes to tracked files, and checks out without force: what is saved nowhere stays, and each is told. */
export async function editStep(acting: Acting, path: string): Promise<void> {
  const { world, clone } = acting;
  const { repository, expected, edits } = clone;
  if (!expected.data.has(path)) return;
  const edit = Buffer.from(`changed by hand ${world.mark()}\n`);
  await mkdir(dirname(join(repository.root, path)), { recursive: true });
  await writeFile(join(repository.root, path), edit);
  edits.set(path, edit);
  const keys = [...expected.data.values()].map(({ content }) => content);
  const available = new Set([
    ...(await contentsHere(world, clone.objects, keys)),
    ...(await world.intactThere(keys)),
  ]);
  const files = await filesAt(clone);
  const done = await world.run(clone, acting, async () => {
    const results = await checkout(repository);
    const failed = results.find((each) => each.outcome === 'failed' && each.problem.exitCode !== 5);
    if (failed?.outcome === 'failed' && clone.faults.struck) throw failed.problem;
    return results;
  });
  expect(done.map((each) => each.path)).toEqual([...expected.data.keys()].toSorted());
  for (const each of done) {
    const content = expected.data.get(each.path)?.content ?? '';
    if (edits.has(each.path)) {
      const exitCode = each.outcome === 'failed' ? each.problem.exitCode : 0;
      // What nobody has any more is told first.
      if (available.has(content)) expect([each.path, exitCode]).toEqual([each.path, 5]);
      else expect([3, 5], `${each.path}: exit ${exitCode}`).toContain(exitCode);
      expect(await readFile(join(repository.root, each.path))).toEqual(edits.get(each.path));
    } else if (each.outcome === 'failed') {
      expect((await filesAt(clone)).get(each.path)).toEqual(files.get(each.path));
    } else {
      await World.expectAt(content, join(repository.root, each.path));
    }
  }
}

async function filesAt({ repository, expected }: Clone): Promise<Map<string, Buffer | undefined>> {
  const found = new Map<string, Buffer | undefined>();
  for (const path of expected.data.keys())
    found.set(path, await readFile(join(repository.root, path)).catch(() => undefined));
  return found;
}
