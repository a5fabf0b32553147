import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { errnoOf, InterruptedError, LocalIoError, MlopsError } from '../../errors.ts';
import { lstatIfPresent, safeJoin } from '../../lib/safe-path.ts';
import { printable } from '../../lib/terminal-text.ts';
import { compareTarget } from '../artifact/compare-target.ts';
import { examineSource } from '../artifact/examine.ts';
import { loadIndex, sizeOf, type ArtifactParts } from '../artifact/parts.ts';
import { existingDirectory } from '../artifact/staging.ts';
import { freeBytes } from '../artifact/store-artifact.ts';
import { findUnsaved, planUpdate } from '../artifact/update-plan.ts';
import type { FetchOptions, Restoring } from '../artifact-transfer.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { Manifest } from '../manifest.ts';

/** Room for directories, indexes and the journal on top of the bytes of objects or files. */
export const SPARE_BYTES = 1024 * 1024;

export interface RestoringSpace extends Pick<FetchOptions, 'include' | 'signal'> {
  parts: ArtifactParts;
  /** The manifest of what is to be restored; undefined when nobody has it. */
  manifestOf: (digest: string) => Promise<Manifest | undefined>;
  /** Bytes that will be fetched. */
  fetched: number;
  /** Bytes that are free for objects; undefined where nobody knows. */
  free: number | undefined;
}

type Target = Restoring['targets'][number] & { absolute: string };

/** What is to be written to one file system. */
interface Place {
  /** On it. Absolute. */
  directory: string;
  targets: Target[];
}

export function noRoom(what: string): LocalIoError {
  return new LocalIoError('DISK_FULL', `${what}; nothing was downloaded`, {
    hint: 'free some space and run the same command again',
  });
}

/**
 * Asks each file system that something will be restored to, whether that fits; on the one of the objects, beside what is fetched.
 * @throws LocalIoError `DISK_FULL`
 */
export async function assertRoomToRestore(restoring: Restoring, space: RestoringSpace): Promise<void> {
  const { parts, fetched, free } = space;
  const device = statSync(existingDirectory(parts.staging)).dev;
  const places = findPlaces(restoring, parts.root);
  let index: BlobIndex | undefined;
  for (const [each, { directory, targets }] of places) {
    const isShared = each === device;
    const there = isShared ? free : await freeBytes(directory);
    if (there === undefined) continue;
    const left = isShared ? there - fetched - SPARE_BYTES : there;
    // What is there already is looked at only where it may matter, as it may have to be hashed.
    const atMost = targets.reduce((sum, { size }) => sum + size, SPARE_BYTES);
    if (atMost <= left) continue;
    index ??= await loadIndex(parts);
    const needed = await spaceFor(targets, restoring, { ...space, index });
    if (needed === 0 || needed + SPARE_BYTES <= left) continue;
    const bytes = needed + SPARE_BYTES;
    throw noRoom(
      isShared
        ? `${fetched} bytes have to be fetched, ${bytes} more are needed to restore files, and ${there} are free`
        : `${printable(directory)}: ${bytes} bytes are needed to restore files, and ${there} are free`,
    );
  }
}

/** By device. */
function findPlaces({ how, targets }: Restoring, root: string): Map<number, Place> {
  const places = new Map<number, Place>();
  for (const target of targets) {
    try {
      const absolute = how === 'update' ? safeJoin(root, target.path) : resolve(root, target.path);
      const directory = existingDirectory(absolute);
      const { dev } = statSync(directory);
      const place = places.get(dev) ?? { directory, targets: [] };
      place.targets.push({ ...target, absolute });
      places.set(dev, place);
    } catch (error) {
      assertToldLater(error);
    }
  }
  return places;
}

/**
 * Bytes that have to be free so that these can be written, one after the other. Each one keeps what it replaces until its new files
 * are complete; what is already as it should be costs nothing, nor does what will be refused.
 */
async function spaceFor(
  targets: readonly Target[],
  restoring: Restoring,
  space: RestoringSpace & { index: BlobIndex },
): Promise<number> {
  let grown = 0;
  let most = 0;
  for (const target of targets) {
    try {
      const found = await (restoring.how === 'update' ? costOfUpdate : costOfCopy)(target, restoring, space);
      most = Math.max(most, grown + found.written);
      grown += found.grown;
    } catch (error) {
      assertToldLater(error);
    }
  }
  return most;
}

/** Bytes. */
interface Cost {
  written: number;
  /** How much more is there when what it replaces is gone. */
  grown: number;
}

const NOTHING: Cost = { written: 0, grown: 0 };

/** As `updateTarget` does it. */
async function costOfUpdate(
  { absolute, digest }: Target,
  { force }: Restoring,
  { parts, manifestOf, signal, index }: RestoringSpace & { index: BlobIndex },
): Promise<Cost> {
  const found = lstatIfPresent(absolute) && (await examineSource(parts, absolute, signal ? { signal } : {}));
  if (found?.digest === digest) return NOTHING;
  const wanted = await manifestOf(digest);
  if (wanted === undefined) return NOTHING;
  const current: Manifest = (await found?.manifest()) ?? { kind: wanted.kind, files: [] };
  const { writes, lost } = planUpdate(current, wanted);
  const saved = { index, objects: parts.objects, wanted };
  if (!force && (await findUnsaved(lost, saved)).length > 0) return NOTHING;
  return { written: sizeOf({ kind: wanted.kind, files: writes }), grown: sizeOf(wanted) - sizeOf(current) };
}

/** As `restoreArtifact` does it: all of it is written, whatever is there. */
async function costOfCopy(
  { absolute, digest }: Target,
  { force }: Restoring,
  { manifestOf, include, signal }: RestoringSpace,
): Promise<Cost> {
  const manifest = await manifestOf(digest);
  if (manifest === undefined) return NOTHING;
  const { kind, files } = manifest;
  const wanted: Manifest =
    include === undefined || kind === 'file'
      ? manifest
      : { kind, files: files.filter(({ path }) => include(path)) };
  const state = await compareTarget(absolute, wanted, signal);
  if (state === 'equal' || (state === 'different' && !force)) return NOTHING;
  return { written: sizeOf(wanted), grown: sizeOf(wanted) };
}

/** What is wrong there is for the restore to say. */
function assertToldLater(error: unknown): void {
  const isTold = error instanceof MlopsError || errnoOf(error) !== undefined;
  if (!isTold || error instanceof InterruptedError) throw error;
}
