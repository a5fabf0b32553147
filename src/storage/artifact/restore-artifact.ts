import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConflictError, IntegrityError, LocalIoError, MlopsError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { RestoreOptions } from '../artifact-store.ts';
import { ioError, temporaryName } from '../atomic-write.ts';
import type { BlobIndex } from '../blob-index.ts';
import { hexOf } from '../digest.ts';
import { makeDirectories } from '../make-directories.ts';
import type { Manifest } from '../manifest.ts';
import { BRING_BACK } from '../object-errors.ts';
import { assertNotAborted } from './walk.ts';
import { BlobReader } from './blob-reader.ts';
import { compareTarget, type Expected } from './compare-target.ts';
import { loadIndex, readManifest, sizeOf, type ArtifactParts } from './parts.ts';
import { quarantinePack } from './salvage.ts';
import { freeBytes } from './store-artifact.ts';
import { flushTarget, publish, writeFile, writeTree, type WriteTargetOptions } from './write-target.ts';

/** Room for directories, inodes and the journal on top of the bytes of the files. */
const SPARE_BYTES = 1024 * 1024;
/** Names listed in one message. */
const MAX_NAMED = 20;

/**
 * See `ArtifactStore.restore`. Readers take no lock: a blob whose pack is gone may have been moved to another one since the index was
 * read, so what seems to be missing is looked for again.
 */
export async function restoreArtifact(
  parts: ArtifactParts,
  digest: string,
  options: RestoreOptions & { target: string },
): Promise<'restored' | 'unchanged'> {
  try {
    return await restoreOnce(parts, digest, options);
  } catch (error) {
    if (!(error instanceof IntegrityError) || error.code !== 'OBJECT_MISSING') throw error;
    return restoreOnce(parts, digest, options);
  }
}

async function restoreOnce(
  parts: ArtifactParts,
  digest: string,
  options: RestoreOptions & { target: string },
): Promise<'restored' | 'unchanged'> {
  const target = resolve(parts.root, options.target);
  const expected = await expectedFiles(parts, digest, options);
  assertNotAborted(options.signal);
  const state = await compareTarget(target, expected, options.signal);
  if (state === 'equal') return 'unchanged';
  if (state === 'different' && !options.force) {
    throw new ConflictError('TARGET_EXISTS', `${printable(target)} exists and holds something else`, {
      hint: 'pass --force to replace it, or restore to another path',
      retryable: false,
    });
  }
  const index = await loadIndex(parts);
  assertComplete(expected, index);
  await makeDirectories(dirname(target));
  await assertSpace(dirname(target), sizeOf(expected));
  await build({ parts, index, expected, target, replace: state !== 'absent' }, options);
  return 'restored';
}

async function expectedFiles(
  parts: ArtifactParts,
  digest: string,
  { include }: RestoreOptions,
): Promise<Expected> {
  const manifest = await readExpected(parts, digest);
  if (include === undefined || manifest.kind === 'file') return manifest;
  return { kind: 'directory', files: manifest.files.filter(({ path }) => include(path)) };
}

/** The manifest of what is to be restored; a damaged one is quarantined. @throws as `readManifest` */
export async function readExpected(parts: ArtifactParts, digest: string): Promise<Manifest> {
  try {
    return (await readManifest(parts.objects, digest)).manifest;
  } catch (error) {
    if (error instanceof IntegrityError && error.code === 'OBJECT_DAMAGED') {
      const place = await parts.objects.quarantine({ kind: 'manifests', name: hexOf(digest) }, error.message);
      parts.warn(`the damaged manifest ${digest} is now in ${place}`);
    }
    throw error;
  }
}

/** Names every file that can't be restored before a byte is written. @throws IntegrityError `OBJECT_MISSING` */
export function assertComplete({ files }: Expected, index: BlobIndex): void {
  const incomplete = files.filter(({ blobs }) => blobs.some((id) => index.find(id) === undefined));
  if (incomplete.length === 0) return;
  const names = incomplete
    .slice(0, MAX_NAMED)
    .map(({ path }) => (path === '' ? 'the file' : printable(path)));
  const more = incomplete.length > MAX_NAMED ? ` and ${incomplete.length - MAX_NAMED} more` : '';
  throw new IntegrityError('OBJECT_MISSING', `blobs are missing for ${names.join(', ')}${more}`, {
    hint: BRING_BACK,
  });
}

export async function assertSpace(directory: string, size: number): Promise<void> {
  const free = await freeBytes(directory);
  if (free === undefined || free >= size + SPARE_BYTES) return;
  throw new LocalIoError(
    'DISK_FULL',
    `${printable(directory)}: ${size} bytes are needed and ${free} are free; nothing was written`,
    {
      hint: 'free some space and run the same command again',
    },
  );
}

interface Build {
  parts: ArtifactParts;
  index: BlobIndex;
  expected: Expected;
  target: string;
  replace: boolean;
}

async function build(
  { parts, index, expected, target, replace }: Build,
  options: RestoreOptions,
): Promise<void> {
  const temporary = join(dirname(target), temporaryName());
  const reader = new BlobReader(parts.objects, index);
  const totalBytes = sizeOf(expected);
  let bytes = 0;
  const writing: WriteTargetOptions = {
    reader,
    signal: options.signal,
    onFile: (count) => {
      bytes += count;
      options.onProgress?.({ bytes, totalBytes, files: expected.files.length });
    },
  };
  try {
    const [first] = expected.files;
    if (expected.kind === 'directory') {
      await mkdir(temporary);
      await writeTree(temporary, expected.files, writing);
    } else if (first !== undefined) {
      await writeFile(temporary, first, writing);
    }
    await flushTarget(temporary, expected.files, expected.kind);
    assertNotAborted(options.signal);
    await publish(temporary, target, replace);
  } catch (error) {
    throw error instanceof MlopsError ? error : ioError(error, target);
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    for (const [pack, problem] of reader.damaged) await quarantinePack(parts, index, { pack, problem });
  }
}
