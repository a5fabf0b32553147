import { IntegrityError } from '../../errors.ts';
import { sha256HexInPool } from '../digest.ts';
import { inParallel } from '../in-parallel.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';
import { DEFAULT_JOBS, type TransferGate } from './gate.ts';
import type { RemoteArtifact } from './remote-artifacts.ts';
import type { RemoteView } from './remote-view.ts';
import type { Tally } from './tally.ts';

/** Names of objects whose bytes are not what they should be, and what is wrong. */
export interface BadObjects {
  packs: Map<string, string>;
  manifests: Map<string, string>;
}

/** Reads back every manifest and pack that the remote is known to hold for these artifacts, and hashes it. */
export async function examineForRepair(
  artifacts: readonly RemoteArtifact[],
  { remote, gate, tally }: { remote: ObjectStore; gate: TransferGate; tally: Tally },
): Promise<BadObjects> {
  const bad: BadObjects = { packs: new Map(), manifests: new Map() };
  const packs = new Map<string, number>();
  for (const { layouts } of artifacts) {
    for (const layout of layouts) {
      for (const { name, size } of layout.packs)
        if (!layout.missing.some((pack) => pack.name === name)) packs.set(name, size);
      for (const { name, size } of layout.resized)
        bad.packs.set(name, `${objectPath({ kind: 'packs', name })} has not its ${size} bytes`);
    }
  }
  const objects = [
    ...Array.from(packs, ([name, size]) => ({ key: { kind: 'packs', name } as ObjectKey, size })),
    ...artifacts
      .filter(({ manifestSize }) => manifestSize !== undefined)
      .map(({ manifest, manifestSize = 0 }) => ({
        key: { kind: 'manifests', name: manifest } as ObjectKey,
        size: manifestSize,
      })),
  ];
  for (const { size } of objects) tally.plan(size);
  await inParallel(objects, DEFAULT_JOBS, async ({ key, size }) => {
    const problem = await gate.run(size, () => problemOf(remote, key, size));
    tally.advance(size);
    if (problem === undefined) return;
    if (key.kind === 'packs') bad.packs.set(key.name, problem);
    else bad.manifests.set(key.name, problem);
  });
  return bad;
}

/** What is wrong with the bytes that the remote gives out; undefined when they hash to the name. */
async function problemOf(remote: ObjectStore, key: ObjectKey, size: number): Promise<string | undefined> {
  try {
    const bytes = await remote.get(key, { offset: 0, length: size });
    const hex = await sha256HexInPool(bytes);
    return hex === key.name ? undefined : `${objectPath(key)} is damaged: its bytes do not hash to its name`;
  } catch (error) {
    if (error instanceof IntegrityError) return error.message;
    throw error;
  }
}

/**
 * Moves bad packs away, but for those that a layout of any other artifact names: a pack of which one blob rotted still gives out the
 * others, and whoever asked for the repair may not have them.
 *
 * @param isSettled true for manifests that need none of these packs any more
 */
export async function removeBadPacks(
  place: { remote: ObjectStore; view: RemoteView; warn: (message: string) => void },
  packs: ReadonlyMap<string, string>,
  isSettled: (manifest: string) => boolean,
): Promise<void> {
  if (packs.size === 0) return;
  const named = new Set<string>();
  const layouts: string[] = [];
  for await (const { key } of place.remote.list('layouts')) {
    if (!isSettled(key.name.slice(0, 64))) layouts.push(key.name);
  }
  await inParallel(layouts, DEFAULT_JOBS, async (name) => {
    try {
      for (const pack of (await place.view.layout(name)).packs) named.add(pack.name);
    } catch (error) {
      // What can't be read leads nobody to a pack.
      if (!(error instanceof IntegrityError)) throw error;
    }
  });
  for (const [name, problem] of packs) {
    if (named.has(name)) place.warn(`${problem}; it stays, as another artifact may have no other place`);
    else await quarantineThere(place, { kind: 'packs', name }, problem);
  }
}

/** Moves an object away on the remote, if it is still there. */
export async function quarantineThere(
  { remote, warn }: { remote: ObjectStore; warn: (message: string) => void },
  key: ObjectKey,
  problem: string,
): Promise<void> {
  try {
    const place = await remote.quarantine(key, problem);
    warn(`${problem}; it is now in ${place} on the remote`);
  } catch (error) {
    if (!(error instanceof IntegrityError && error.code === 'OBJECT_MISSING')) throw error;
  }
}
