import { ConflictError, IntegrityError } from '../../errors.ts';
import { lstatIfPresent } from '../../lib/safe-path.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { Manifest, ManifestFile } from '../manifest.ts';
import type { ObjectStore } from '../object-store.ts';
import type { FileStamp } from '../stat-index.ts';
import type { BlobReader } from './blob-reader.ts';
import { assertNotAborted, pathOf, stampOf, type SourceTree } from './walk.ts';

/** Names listed in one message. */
const MAX_NAMED = 20;

/** What turns the files of a target into those of another manifest. */
export interface UpdatePlan {
  /** Absent, or there with other bytes. */
  writes: ManifestFile[];
  /** There with the right bytes, and executable or not by mistake. */
  modes: ManifestFile[];
  removals: ManifestFile[];
  /** Files as they are now whose bytes the update overwrites or removes. */
  lost: ManifestFile[];
}

export function planUpdate(current: Manifest, wanted: Manifest): UpdatePlan {
  const plan: UpdatePlan = { writes: [], modes: [], removals: [], lost: [] };
  const now = new Map<string, ManifestFile>();
  if (current.kind === wanted.kind) for (const file of current.files) now.set(file.path, file);
  for (const file of wanted.files) {
    const found = now.get(file.path);
    now.delete(file.path);
    if (found?.sha256 === file.sha256) {
      if (found.executable !== file.executable) plan.modes.push(file);
      continue;
    }
    plan.writes.push(file);
    if (found !== undefined) plan.lost.push(found);
  }
  plan.removals = current.kind === wanted.kind ? [...now.values()] : [...current.files];
  plan.lost.push(...plan.removals);
  return plan;
}

export interface SavedAs {
  index: BlobIndex;
  objects: ObjectStore;
  /** What the target will hold: bytes that stay in it are not lost. */
  wanted: Manifest;
}

/**
 * The files whose bytes could not be brought back from the store: a blob of them is in no pack, or no manifest says in which
 * order the blobs make the file. Nothing is hashed; see {@link findDamaged}.
 */
export async function findUnsaved(files: readonly ManifestFile[], saved: SavedAs): Promise<ManifestFile[]> {
  const { index, objects, wanted } = saved;
  const unsaved: ManifestFile[] = [];
  const inPieces: ManifestFile[] = [];
  for (const file of withoutStaying(files, wanted)) {
    if (file.blobs.some((id) => index.find(id) === undefined)) unsaved.push(file);
    else if (file.blobs.length > 1) inPieces.push(file);
  }
  return [...unsaved, ...(await findUnlisted(objects, inPieces))];
}

export interface StoredCopies {
  reader: Pick<BlobReader, 'read'>;
  /** As in {@link SavedAs}. */
  wanted: Manifest;
  signal: AbortSignal | undefined;
}

/**
 * The files of which the stored copy is damaged, so that the one at the target may be the only good one. Reads and hashes every
 * stored blob of the files once: as many bytes as the update overwrites or removes.
 * @throws LocalIoError when a copy can't be read, which says nothing about its bytes; InterruptedError
 */
export async function findDamaged(
  files: readonly ManifestFile[],
  { reader, wanted, signal }: StoredCopies,
): Promise<ManifestFile[]> {
  const sound = new Map<string, boolean>();
  const damaged: ManifestFile[] = [];
  for (const file of withoutStaying(files, wanted)) {
    for (const id of file.blobs) {
      if (sound.has(id)) continue;
      assertNotAborted(signal);
      sound.set(id, await isSound(reader, id));
    }
    if (file.blobs.some((id) => sound.get(id) !== true)) damaged.push(file);
  }
  return damaged;
}

function withoutStaying(files: readonly ManifestFile[], wanted: Manifest): ManifestFile[] {
  const staying = new Set(wanted.files.map(({ sha256 }) => sha256));
  return files.filter(({ sha256 }) => !staying.has(sha256));
}

async function isSound(reader: Pick<BlobReader, 'read'>, id: string): Promise<boolean> {
  try {
    await reader.read(id);
    return true;
  } catch (error) {
    if (error instanceof IntegrityError) return false;
    throw error;
  }
}

/** Those that no stored manifest lists. */
async function findUnlisted(objects: ObjectStore, files: readonly ManifestFile[]): Promise<ManifestFile[]> {
  let open = [...files];
  if (open.length === 0) return open;
  for await (const { key } of objects.list('manifests')) {
    const manifest = await objects.get(key).catch(() => undefined);
    if (manifest === undefined) continue;
    const bytes = Buffer.from(manifest.buffer, manifest.byteOffset, manifest.length);
    open = open.filter(({ sha256 }) => !bytes.includes(`"sha256": "${sha256}"`));
    if (open.length === 0) break;
  }
  return open;
}

/** @param path of the target, for messages */
export function localChanges(path: string, files: readonly ManifestFile[]): ConflictError {
  const word = shellWord(path);
  return new ConflictError(
    'LOCAL_CHANGES',
    `${namesOf(path, files)}: changed here and saved nowhere, so left alone; nothing of ${printable(path)} was changed`,
    {
      hint: `save what is there: mlops data add ${word}; or drop it: mlops checkout --force ${word}`,
      retryable: false,
    },
  );
}

/** @param path of the target, for messages */
export function onlyGoodCopy(path: string, files: readonly ManifestFile[]): ConflictError {
  const word = shellWord(path);
  return new ConflictError(
    'LOCAL_CHANGES',
    `${namesOf(path, files)}: the stored copy is damaged, and the one here may be the only good one, so left alone; nothing of ${printable(path)} was changed`,
    {
      hint: `store it again: mlops data add ${word}, best with the commit checked out that it belongs to; or fetch a good copy from the remote: mlops verify --repair; or drop it: mlops checkout --force ${word}`,
      retryable: false,
    },
  );
}

function namesOf(path: string, files: readonly ManifestFile[]): string {
  const shown = printable(path);
  const names = files
    .slice(0, MAX_NAMED)
    .map((file) => (file.path === '' ? shown : `${shown}/${printable(file.path)}`));
  const more = files.length > MAX_NAMED ? ` and ${files.length - MAX_NAMED} more` : '';
  return `${names.join(', ')}${more}`;
}

/**
 * Tells whether a file is still what was examined; whoever changed it since has a change that nobody looked at.
 * @returns the check; it is true for a file that was absent and still is
 */
export function watch(tree: SourceTree | undefined): (path: string) => boolean {
  const stamps = new Map<string, FileStamp>();
  for (const { path, ...stamp } of tree?.entries() ?? []) stamps.set(pathOf(tree?.source ?? '', path), stamp);
  return (path) => {
    const known = stamps.get(path);
    const stats = lstatIfPresent(path);
    if (stats === undefined) return true;
    if (known === undefined) return stats.isDirectory();
    const now = stampOf(stats);
    return (
      stats.isFile() &&
      now.size === known.size &&
      now.mtimeMs === known.mtimeMs &&
      now.ctimeMs === known.ctimeMs &&
      now.ino === known.ino
    );
  };
}
