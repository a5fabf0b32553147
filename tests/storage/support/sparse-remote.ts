import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { IntegrityError } from '../../../src/errors.ts';
import type { CollectedRemoteGarbage, RemoteGarbagePlan } from '../../../src/storage/garbage.ts';
import { MemoryObjectStore } from '../../../src/storage/memory/object-store.ts';
import type { ObjectKind, ObjectStore } from '../../../src/storage/object-store.ts';
import { storeTree } from './pushed.ts';
import { noise } from './scratch.ts';
import { clone, namesOf, type Clone } from './transfer-fixtures.ts';

const DAY_MS = 86_400_000;
const KINDS: readonly ObjectKind[] = ['layouts', 'manifests', 'packs'];

/** One of the files that stay, of about a tenth of the pack it is stored in first. */
export const little = (number: number): Buffer => noise(40_000, number);
const large = (number: number): Buffer => noise(400_000, 100 + number);

/** A remote with three old packs of which only a little file each is needed once the first three artifacts are gone. */
export interface SparseRemote {
  remote: MemoryObjectStore;
  from: Clone;
  /** Old artifacts that nothing needs any more, each one pack. */
  gone: readonly string[];
  /** What stays: which little files each has, by digest. */
  kept: ReadonlyMap<string, readonly number[]>;
  /** The packs of the first, by their number. */
  packs: readonly string[];
}

export async function sparseRemote<Store extends ObjectStore = MemoryObjectStore>(
  store?: Store,
): Promise<Omit<SparseRemote, 'remote'> & { remote: Store }> {
  const remote = (store ?? new MemoryObjectStore()) as Store;
  const from = clone();
  const push = async (digest: string): Promise<string> => {
    await from.store.transfer(remote).push([digest]);
    return digest;
  };
  const gone: string[] = [];
  const packs: string[] = [];
  for (const number of [1, 2, 3]) {
    const before = await namesOf(from.objects, 'packs');
    const files = { 'large.bin': large(number), 'little.bin': little(number) };
    gone.push(await push(await storeTree(from, files, `first${number}`)));
    const after = await namesOf(from.objects, 'packs');
    packs.push(...after.filter((name) => !before.includes(name)));
  }
  const kept = new Map<string, readonly number[]>();
  for (const [name, numbers] of Object.entries({ both: [1, 2], others: [2, 3], one: [3] })) {
    kept.set(await push(await storeTree(from, littleFiles(numbers), name)), numbers);
  }
  if (remote instanceof MemoryObjectStore) remote.age(Date.now() - 15 * DAY_MS);
  return { remote, from, gone, kept, packs };
}

export function littleFiles(numbers: readonly number[]): Record<string, Buffer> {
  return Object.fromEntries(numbers.map((number) => [`little${number}.bin`, little(number)]));
}

export interface CollectOptions {
  /** Seen through this; default the remote itself. */
  through?: ObjectStore;
  own?: ReadonlySet<string>;
  graceMs?: number;
}

/** As `mlops gc --remote --yes` of somebody who needs what is kept. */
export async function collect(
  { remote, from, gone, kept }: Pick<SparseRemote, 'from' | 'gone' | 'kept'> & { remote: ObjectStore },
  { through = remote, own = new Set([...gone, ...kept.keys()]), graceMs = 14 * DAY_MS }: CollectOptions = {},
): Promise<{ plan: RemoteGarbagePlan; removed: CollectedRemoteGarbage }> {
  const collector = from.store.remoteGarbage(through);
  const plan = await collector.survey(new Set(kept.keys()), { graceMs, own });
  return { plan, removed: await collector.remove(plan, {}) };
}

interface Kept extends Pick<SparseRemote, 'kept'> {
  remote: ObjectStore;
}

/** Somebody who has nothing gets all that is kept from the remote, and it has the digests that it should. */
export async function expectComplete({ remote, kept }: Kept): Promise<Clone> {
  const fresh = clone();
  await fresh.store.transfer(remote).fetch([...kept.keys()]);
  for (const digest of kept.keys()) await fresh.store.verifyArtifact(digest);
  return fresh;
}

/** As files, too. */
export async function expectRestorable({ remote, kept }: Kept): Promise<void> {
  const fresh = await expectComplete({ remote, kept });
  for (const [digest, numbers] of kept) {
    await fresh.store.restore(digest, 'out', { force: true });
    for (const number of numbers) {
      const bytes = readFileSync(join(fresh.root, 'out', `little${number}.bin`));
      expect(bytes.equals(little(number)), `little${number}.bin of ${digest}`).toBe(true);
    }
  }
}

/** The same objects, all old. */
export async function copyOf(store: MemoryObjectStore): Promise<MemoryObjectStore> {
  const copy = new MemoryObjectStore();
  for (const kind of KINDS) {
    for await (const { key, size } of store.list(kind)) {
      copy.damage(key, new Uint8Array(await store.get(key, { offset: 0, length: size })));
    }
  }
  copy.age(Date.now() - 15 * DAY_MS);
  return copy;
}

export async function everythingIn(store: ObjectStore): Promise<string[]> {
  const names = await Promise.all(
    KINDS.map(async (kind) => (await namesOf(store, kind)).map((name) => `${kind}/${name}`)),
  );
  return names.flat();
}

export function asIntegrityError(error: unknown): IntegrityError {
  if (error instanceof IntegrityError) return error;
  throw error;
}
