import { IntegrityError, RefusedError } from '../../errors.ts';
import { distinctBlobs, readManifest } from '../artifact/parts.ts';
import { digestOf } from '../digest.ts';
import { inParallel } from '../in-parallel.ts';
import { decodeManifest, type Manifest } from '../manifest.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey, ObjectStore } from '../object-store.ts';
import { DEFAULT_JOBS } from './gate.ts';
import type { LayoutPack } from './layout.ts';
import { assertFits } from './layout-fits.ts';
import type { RemoteView } from './remote-view.ts';

/** They may be large. */
const MANIFESTS_AT_ONCE = 4;

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
  /** Layouts that can't be read or are of other blobs, and the manifest when it is not what it should be. */
  damaged: { key: ObjectKey; problem: string }[];
}

export interface FindOptions {
  /** Layouts that this machine remembers are good enough: for hints, never for what the remote holds. */
  remembered?: boolean;
}

/** Asks for layouts, and for the presence and size of all that they name. */
export async function findArtifacts(
  view: RemoteView,
  manifests: readonly string[],
  { remembered = false }: FindOptions = {},
): Promise<Map<string, RemoteArtifact>> {
  const names = await view.layoutNames(manifests);
  const found = new Map<string, RemoteArtifact>();
  for (const manifest of manifests) {
    found.set(manifest, { manifest, manifestSize: undefined, layouts: [], damaged: [] });
  }
  const read: Pick<KnownLayout, 'name' | 'size' | 'packs'>[] = [];
  await inParallel([...names.values()].flat().toSorted(), DEFAULT_JOBS, async (name) => {
    try {
      const { bytes, packs } = await (remembered ? view.layout(name) : view.readLayout(name));
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

/**
 * Holds what was found against the manifests, from here or else from the remote: a layout that does not fit its manifest is moved to
 * what is damaged, and so is added a manifest that can't be read there or has another size than here.
 * @throws RemoteError
 */
export async function compareManifests(
  { view, local }: { view: RemoteView; local: ObjectStore },
  artifacts: ReadonlyMap<string, RemoteArtifact>,
): Promise<void> {
  const pushed = [...artifacts.values()].filter(
    ({ manifestSize, layouts }) => manifestSize !== undefined || layouts.length > 0,
  );
  await inParallel(pushed, MANIFESTS_AT_ONCE, async (artifact) => {
    await compareSize(local, artifact);
    if (artifact.layouts.length === 0) return;
    const manifest =
      (await localManifest(local, artifact.manifest)) ?? (await remoteManifest(view, artifact));
    if (manifest === undefined) return;
    const ids = distinctBlobs(manifest);
    const fitting: KnownLayout[] = [];
    for (const known of artifact.layouts) {
      try {
        // Read from the remote a moment ago.
        assertFits(await view.layout(known.name), manifest, ids);
        fitting.push(known);
      } catch (error) {
        if (!(error instanceof IntegrityError)) throw error;
        artifact.damaged.push({ key: { kind: 'layouts', name: known.name }, problem: error.message });
      }
    }
    artifact.layouts = fitting;
  });
}

async function compareSize(
  local: ObjectStore,
  { manifest: name, manifestSize, damaged }: RemoteArtifact,
): Promise<void> {
  if (manifestSize === undefined) return;
  const key: ObjectKey = { kind: 'manifests', name };
  const size = (await local.stat(key))?.size;
  if (size === undefined || size === manifestSize) return;
  const problem = `${objectPath(key)} on the remote has ${manifestSize} bytes instead of ${size}`;
  damaged.push({ key, problem });
}

/** Undefined when it is not here, or not intact: who needs it from here says so. */
async function localManifest(local: ObjectStore, hex: string): Promise<Manifest | undefined> {
  try {
    return (await readManifest(local, digestOf(hex))).manifest;
  } catch (error) {
    if (error instanceof IntegrityError || error instanceof RefusedError) return undefined;
    throw error;
  }
}

/** Undefined when it is not there, or not intact, which is then noted. */
async function remoteManifest(view: RemoteView, artifact: RemoteArtifact): Promise<Manifest | undefined> {
  const name = artifact.manifest;
  if (artifact.manifestSize === undefined) return undefined;
  try {
    return decodeManifest(await view.manifest(name), `manifest ${digestOf(name)}`);
  } catch (error) {
    if (!(error instanceof IntegrityError || error instanceof RefusedError)) throw error;
    if (error.code === 'OBJECT_MISSING') artifact.manifestSize = undefined;
    else artifact.damaged.push({ key: { kind: 'manifests', name }, problem: error.message });
    return undefined;
  }
}

function byCompleteness(first: KnownLayout, second: KnownLayout): number {
  const lacking = lackOf(first) - lackOf(second);
  if (lacking !== 0) return lacking;
  return first.name < second.name ? -1 : 1;
}

function lackOf({ missing, resized }: KnownLayout): number {
  return missing.length + resized.length;
}

/** The layout whose packs are all there in the right size, if the manifest is there too and nothing is known to be wrong with it. */
export function completeLayout(artifact: RemoteArtifact): KnownLayout | undefined {
  const best = artifact.layouts[0];
  if (artifact.manifestSize === undefined || damagedManifests(artifact).length > 0) return undefined;
  return best !== undefined && lackOf(best) === 0 ? best : undefined;
}

/** What is wrong with the manifest, as far as it was seen. */
export function damagedManifests({ damaged }: RemoteArtifact): RemoteArtifact['damaged'] {
  return damaged.filter(({ key }) => key.kind === 'manifests');
}

/** True when what keeps an artifact from being complete there is damage, which a push does not touch unless it is to repair. */
export function isDamaged(artifact: RemoteArtifact): boolean {
  if (completeLayout(artifact) !== undefined) return false;
  const best = artifact.layouts[0];
  return best === undefined
    ? artifact.damaged.length > 0
    : best.resized.length > 0 || damagedManifests(artifact).length > 0;
}

/** Paths of what the best layout promises and the remote does not hold. */
export function missingPaths({ manifest, manifestSize, layouts, damaged }: RemoteArtifact): string[] {
  const best = layouts[0];
  const keys: ObjectKey[] = [
    ...(manifestSize === undefined && layouts.length > 0
      ? [{ kind: 'manifests', name: manifest } as const]
      : []),
    ...damaged.filter(({ key }) => best === undefined || key.kind === 'manifests').map(({ key }) => key),
    ...[...(best?.missing ?? []), ...(best?.resized ?? [])].map(
      ({ name }) => ({ kind: 'packs', name }) as const,
    ),
  ];
  return keys.map(objectPath);
}
