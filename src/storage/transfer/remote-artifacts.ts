import { IntegrityError } from '../../errors.ts';
import { inParallel } from '../in-parallel.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';
import { DEFAULT_JOBS } from './gate.ts';
import type { LayoutPack } from './layout.ts';
import type { RemoteView } from './remote-view.ts';

export interface KnownLayout {
  name: string;
  /** Bytes. */
  size: number;
  packs: readonly LayoutPack[];
  /** Packs it names that are not there. */
  missing: readonly LayoutPack[];
  /** Packs it names that have another size now. */
  resized: readonly LayoutPack[];
}

/** What a remote holds of one artifact, without the places of its blobs. */
export interface RemoteArtifact {
  /** 64 hex digits. */
  manifest: string;
  /** Bytes; undefined when it is not there. */
  manifestSize: number | undefined;
  /** The most complete first. */
  layouts: KnownLayout[];
  /** Layouts that can't be read, and the manifest when it has not the size that it has here. */
  damaged: { key: ObjectKey; problem: string }[];
}

/** Asks for layouts, and for the presence and size of all that they name. */
export async function findArtifacts(
  view: RemoteView,
  manifests: readonly string[],
): Promise<Map<string, RemoteArtifact>> {
  const names = await view.layoutNames(manifests);
  const found = new Map<string, RemoteArtifact>();
  for (const manifest of manifests) {
    found.set(manifest, { manifest, manifestSize: undefined, layouts: [], damaged: [] });
  }
  const read: Pick<KnownLayout, 'name' | 'size' | 'packs'>[] = [];
  await inParallel([...names.values()].flat().toSorted(), DEFAULT_JOBS, async (name) => {
    try {
      const { bytes, packs } = await view.layout(name);
      read.push({ name, size: bytes.length, packs });
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      // One that was removed between the listing and now is as good as never there.
      if (error.code === 'OBJECT_MISSING') return;
      found.get(name.slice(0, 64))?.damaged.push({ key: { kind: 'layouts', name }, problem: error.message });
    }
  });
  const packs = await view.sizes(
    'packs',
    new Set(read.flatMap((layout) => layout.packs.map(({ name }) => name))),
  );
  for (const [name, size] of await view.sizes('manifests', names.keys())) {
    const artifact = found.get(name);
    if (artifact !== undefined) artifact.manifestSize = size;
  }
  for (const layout of read) {
    found.get(layout.name.slice(0, 64))?.layouts.push({
      ...layout,
      missing: layout.packs.filter(({ name }) => !packs.has(name)),
      resized: layout.packs.filter(({ name, size }) => packs.has(name) && packs.get(name) !== size),
    });
  }
  for (const { layouts } of found.values()) layouts.sort(byCompleteness);
  return found;
}

/** Adds manifests that have another size there than here to what is damaged. */
export async function compareManifests(
  local: ObjectStore,
  artifacts: ReadonlyMap<string, RemoteArtifact>,
): Promise<void> {
  await inParallel(artifacts.values(), DEFAULT_JOBS, async ({ manifest: name, manifestSize, damaged }) => {
    if (manifestSize === undefined) return;
    const key: ObjectKey = { kind: 'manifests', name };
    const size = (await local.stat(key))?.size;
    if (size === undefined || size === manifestSize) return;
    const problem = `${objectPath(key)} on the remote has ${manifestSize} bytes instead of ${size}`;
    damaged.push({ key, problem });
  });
}

function byCompleteness(first: KnownLayout, second: KnownLayout): number {
  const lacking = lackOf(first) - lackOf(second);
  if (lacking !== 0) return lacking;
  return first.name < second.name ? -1 : 1;
}

function lackOf({ missing, resized }: KnownLayout): number {
  return missing.length + resized.length;
}

/** The layout whose packs are all there in the right size, if the manifest is there too. */
export function completeLayout({ manifestSize, layouts }: RemoteArtifact): KnownLayout | undefined {
  const best = layouts[0];
  return manifestSize !== undefined && best !== undefined && lackOf(best) === 0 ? best : undefined;
}

/** Paths of what the best layout promises and the remote does not hold. */
export function missingPaths({ manifest, manifestSize, layouts, damaged }: RemoteArtifact): string[] {
  const best = layouts[0];
  const keys: ObjectKey[] = [
    ...(manifestSize === undefined && layouts.length > 0
      ? [{ kind: 'manifests', name: manifest } as const]
      : []),
    ...(best === undefined ? damaged.map(({ key }) => key) : []),
    ...[...(best?.missing ?? []), ...(best?.resized ?? [])].map(
      ({ name }) => ({ kind: 'packs', name }) as const,
    ),
  ];
  return keys.map(objectPath);
}
