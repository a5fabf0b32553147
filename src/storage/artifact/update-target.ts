import { lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { ConflictError, errnoOf } from '../../errors.ts';
import { lstatIfPresent, safeJoin } from '../../lib/safe-path.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { UpdatedTarget, UpdateOptions } from '../artifact-store.ts';
import { ioError, renamePatiently } from '../atomic-write.ts';
import type { BlobIndex } from '../blob-index.ts';
import { hexOf } from '../digest.ts';
import { makeDirectories } from '../make-directories.ts';
import type { Manifest, ManifestFile } from '../manifest.ts';
import { BlobReader } from './blob-reader.ts';
import { clockOf, examineSource, rememberStored, type ExaminedTree } from './examine.ts';
import { loadIndex, sizeOf, type ArtifactParts } from './parts.ts';
import { assertComplete, assertSpace, readExpected } from './restore-artifact.ts';
import { quarantinePack } from './salvage.ts';
import { existingDirectory, openStaging, setExecutable, stageFiles, type StagedFile } from './staging.ts';
import {
  findDamaged,
  findUnsaved,
  localChanges,
  onlyGoodCopy,
  planUpdate,
  watch,
  type UpdatePlan,
} from './update-plan.ts';
import { pathOf, walkSource } from './walk.ts';
import { assertNamesFit, flushDirectories, flushTarget, writeTree } from './write-target.ts';

type Request = UpdateOptions & { path: string };

/** See `ArtifactStore.update`. */
export async function updateTarget(
  parts: ArtifactParts,
  digest: string,
  request: Request,
): Promise<UpdatedTarget> {
  const target = safeJoin(parts.root, request.path);
  assertNoFileAbove(parts.root, target);
  // Before anything is looked at: whatever changes from now on counts as young.
  const clock = clockOf(parts);
  const found = lstatIfPresent(target) && (await examineSource(parts, target, request));
  if (found?.digest === digest) {
    return { outcome: 'unchanged', written: 0, cloned: 0, removed: 0, bytes: 0 };
  }
  const manifest = await readExpected(parts, digest);
  const update = new Update(parts, { manifest, found, target, request });
  try {
    const done = await update.run();
    await rememberTarget(parts, { target, digest, manifest, clock });
    return done;
  } catch (error) {
    throw ioError(error, target, 'run the same command again to finish');
  }
}

/** What lies where a directory has to be is somebody's file. @throws ConflictError `LOCAL_CHANGES` */
function assertNoFileAbove(root: string, target: string): void {
  for (let above = dirname(target); above.length > root.length; above = dirname(above)) {
    const stats = lstatIfPresent(above);
    if (stats === undefined) continue;
    if (stats.isDirectory()) return;
    const shown = printable(relative(root, above));
    throw new ConflictError(
      'LOCAL_CHANGES',
      `${shown} is no directory, and ${printable(relative(root, target))} has to lie in one; it was left alone`,
      { hint: `move ${shown} away and run the same command again`, retryable: false },
    );
  }
}

interface UpdateOf {
  manifest: Manifest;
  /** Undefined when nothing is there. */
  found: ExaminedTree | undefined;
  /** Absolute. */
  target: string;
  request: Request;
}

class Update {
  readonly #parts: ArtifactParts;
  readonly #of: UpdateOf;
  /** Directories in which a name changed. */
  readonly #touched = new Set<string>();
  /** Directories that were reached without links in this update. */
  readonly #proven = new Set<string>();

  constructor(parts: ArtifactParts, of: UpdateOf) {
    this.#parts = parts;
    this.#of = of;
  }

  async run(): Promise<UpdatedTarget> {
    const { manifest, found, target, request } = this.#of;
    const current = (await found?.manifest()) ?? { kind: manifest.kind, files: [] };
    const plan = planUpdate(current, manifest);
    const index = await loadIndex(this.#parts);
    const { objects } = this.#parts;
    if (request.force !== true) await this.#assertSaved(plan.lost, index);
    const copies = new Map(current.files.map((file) => [file.sha256, pathOf(target, file.path)]));
    const fromPacks = plan.writes.filter(({ sha256 }) => !copies.has(sha256));
    assertComplete({ kind: manifest.kind, files: fromPacks }, index);
    const place = existingDirectory(target);
    await assertSpace(place, sizeOf({ kind: manifest.kind, files: plan.writes }));
    const staging = await openStaging(this.#parts.staging, place);
    const reader = new BlobReader(objects, index);
    const totalBytes = sizeOf({ kind: manifest.kind, files: plan.writes });
    let bytes = 0;
    const writing = {
      reader,
      signal: request.signal,
      findCopy: ({ sha256 }: ManifestFile) => copies.get(sha256),
      onFile: (count: number) => {
        bytes += count;
        request.onProgress?.({ bytes, totalBytes, files: plan.writes.length });
      },
    };
    try {
      let cloned = 0;
      if (found === undefined && manifest.kind === 'directory') {
        const whole = join(staging, 'tree');
        await makeDirectories(whole);
        await writeTree(whole, manifest.files, writing);
        await flushTarget(whole, manifest.files, 'directory');
        await this.#publishWhole(whole);
      } else {
        assertNamesFit(staging, manifest);
        const staged = await stageFiles(staging, plan.writes, writing);
        ({ cloned } = staged);
        await this.#publish(plan, staged.files);
      }
      const { length: written } = plan.writes;
      return { outcome: 'restored', written, cloned, removed: plan.removals.length, bytes: totalBytes };
    } finally {
      await rm(staging, { recursive: true, force: true }).catch(() => undefined);
      for (const [pack, problem] of reader.damaged)
        await quarantinePack(this.#parts, index, { pack, problem });
    }
  }

  /** @throws ConflictError `LOCAL_CHANGES` */
  async #assertSaved(lost: readonly ManifestFile[], index: BlobIndex): Promise<void> {
    const { manifest, request } = this.#of;
    const { objects } = this.#parts;
    const unsaved = await findUnsaved(lost, { index, objects, wanted: manifest });
    if (unsaved.length > 0) throw localChanges(request.path, unsaved);
    const reader = new BlobReader(objects, index);
    const damaged = await findDamaged(lost, { reader, wanted: manifest, signal: request.signal });
    // Out of the way, so that the same bytes are stored again and not taken for stored.
    for (const [pack, problem] of reader.damaged) await quarantinePack(this.#parts, index, { pack, problem });
    if (damaged.length > 0) throw onlyGoodCopy(request.path, damaged);
  }

  async #publishWhole(whole: string): Promise<void> {
    const { target } = this.#of;
    await this.#makeParent(target);
    // `rename` would replace an empty directory that came meanwhile, and fails for anything else.
    await renamePatiently(whole, target);
    await flushDirectories([dirname(target)]);
  }

  /** From here on nothing is hashed or awaited for long, and Ctrl-C is not listened to. */
  async #publish({ removals, modes }: UpdatePlan, staged: readonly StagedFile[]): Promise<void> {
    const { target, found, request } = this.#of;
    const isUntouched = request.force === true ? () => true : watch(found?.tree);
    const inTheWay = [...removals.map(({ path }) => path), ...staged.map(({ file }) => file.path)]
      .map((path) => pathOf(target, path))
      .find((path) => !isUntouched(path));
    if (inTheWay !== undefined) throw changedMeanwhile(inTheWay);
    const emptied = new Set<string>();
    for (const { path } of removals) {
      const file = pathOf(target, path);
      this.#prove(dirname(file));
      removeFile(file, isUntouched);
      if (path !== '') emptied.add(dirname(file));
    }
    for (const directory of emptied) this.#removeEmptied(directory);
    for (const { file, staged: from } of staged) {
      const to = pathOf(target, file.path);
      if (!isUntouched(to)) throw changedMeanwhile(to);
      await this.#makeParent(to);
      removeEmptyDirectories(to);
      await rename(from, to);
    }
    for (const file of modes) await setExecutable(pathOf(target, file.path), file.executable);
    await flushDirectories([...this.#touched]);
  }

  /** Makes the directory of a file. */
  async #makeParent(path: string): Promise<void> {
    const parent = dirname(path);
    if (this.#proven.has(parent)) return;
    this.#prove(parent);
    await makeDirectories(parent);
  }

  /** Proves that no link on the way to a directory leads elsewhere. @throws RefusedError `UNSAFE_PATH` */
  #prove(directory: string): void {
    this.#touched.add(directory);
    if (this.#proven.has(directory)) return;
    const { root } = this.#parts;
    if (directory !== root) safeJoin(root, relative(root, directory).split(sep).join('/'));
    this.#proven.add(directory);
  }

  /** A directory out of which files were removed, and those above it, as far as nothing else is in them. */
  #removeEmptied(directory: string): void {
    const { target, manifest } = this.#of;
    const limit = manifest.kind === 'file' ? dirname(target) : target;
    for (let at = directory; at.length > limit.length; at = dirname(at)) {
      if (!removeIfEmpty(at)) return;
      this.#touched.delete(at);
      this.#touched.add(dirname(at));
      this.#proven.delete(at);
    }
  }
}

/** Synchronous where it works at once: there may be 100,000 of them. */
async function rename(from: string, to: string): Promise<void> {
  try {
    renameSync(from, to);
  } catch {
    await renamePatiently(from, to);
  }
}

function removeFile(path: string, isUntouched: (path: string) => boolean): void {
  if (!isUntouched(path)) throw changedMeanwhile(path);
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}

/** Clears the way for a file where a directory is, if it holds nothing but directories. */
function removeEmptyDirectories(path: string): void {
  if (lstatIfPresent(path)?.isDirectory() !== true) return;
  for (const name of readdirSync(path)) {
    const inside = join(path, name);
    if (lstatSync(inside).isDirectory()) removeEmptyDirectories(inside);
    else throw changedMeanwhile(inside);
  }
  rmdirSync(path);
}

function changedMeanwhile(path: string): ConflictError {
  return new ConflictError('LOCAL_CHANGES', `${printable(path)} changed while the update was under way`, {
    hint: 'it was left alone; wait until nothing writes to it and run the same command again',
  });
}

interface RememberedTarget {
  target: string;
  digest: string;
  manifest: Manifest;
  clock: number | undefined;
}

/** The next look at the target need not read what was there before; what was written just now is too young to be sure. */
async function rememberTarget(parts: ArtifactParts, of: RememberedTarget): Promise<void> {
  const { target, digest, manifest, clock } = of;
  if (clock === undefined) return;
  const tree = await walkSource(target);
  const sizes = new Map(manifest.files.map(({ path, size }) => [path, size]));
  const complete =
    tree.paths.length === sizes.size && tree.entries().every(({ path, size }) => sizes.get(path) === size);
  if (complete) await rememberStored(parts, tree, { clock, name: hexOf(digest), manifest });
}
