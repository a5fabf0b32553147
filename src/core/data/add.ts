import { lstatSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { MlopsError, RefusedError } from '../../errors.ts';
import type { Git } from '../../git/git.ts';
import { findCollisions, portabilityProblem } from '../../lib/portable-names.ts';
import { safeJoin, unsafePathProblem } from '../../lib/safe-path.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { StoredArtifact, StoreProgress } from '../../storage/artifact-store.ts';
import { loadRepositoryLog } from '../audit/index.ts';
import { repositoryEventPath } from '../audit/repository-event.ts';
import { commitSection, type CommitSection } from '../registry/commit-section.ts';
import { assertStillThere } from '../registry/still-there.ts';
import { assertWritable } from '../repository/format.ts';
import { pointerPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { ignoreFileOf, ignoreRuleOf, isConflicted, withoutConflict, withRule } from './ignore-file.ts';
import { isWithin } from './place.ts';
import { encodePointer, parsePointer, trackablePathProblem, type DataPointer } from './pointer.ts';
import { loadPointers } from './pointers.ts';
import { dataTips } from './trail.ts';

export interface AddRequest extends StoreProgress {
  /** Files and directories, relative to the Git root with `/`. */
  paths: readonly string[];
  /** As for `ArtifactStore.store`, and names of tracked paths that not every system can hold. */
  allowCollisions?: boolean;
  dryRun?: boolean;
  signal?: AbortSignal;
}

export interface AddedData {
  pointer: DataPointer;
  stored: StoredArtifact;
  /** Digest that the path pointed to before. */
  previous: string | undefined;
  /** `tracked`: for the first time. `moved`: its content changed. In a dry run: what would be. */
  outcome: 'tracked' | 'moved' | 'unchanged';
  /** Id of the event; undefined when nothing was written. */
  event: string | undefined;
}

export interface Added {
  added: readonly AddedData[];
  /** Paths below the Git root to hand to Git. */
  written: readonly string[];
  warnings: readonly string[];
}

/**
 * Tracks files or directories where they are, or records what they hold now: objects, the rule for Git, event, pointer.
 *
 * @throws RefusedError `NOT_TRACKABLE`, `TRACKED_BY_GIT`, `UNSAFE_PATH`, `NAME_NOT_PORTABLE`; and whatever `ArtifactStore.store`
 * and `commitSection` throw
 */
export async function addData(repository: Repository, request: AddRequest): Promise<Added> {
  assertWritable(repository.unknownFeatures);
  const paths = [...new Set(request.paths)];
  for (const path of paths) assertTrackable(path, request.allowCollisions === true);
  await assertApart(repository, paths);
  const git = await repository.git();
  for (const path of paths) {
    safeJoin(repository.root, path);
    await assertNotInGit(git, path);
  }
  const artifacts = await repository.artifacts();
  const found: { pointer: DataPointer; stored: StoredArtifact }[] = [];
  for (const path of paths) {
    const stored = await artifacts.store(path, storeOptions(request));
    const { digest, size, files } = stored;
    const kind = lstatSync(safeJoin(repository.root, path)).isDirectory() ? 'directory' : 'file';
    found.push({ pointer: { path, digest, kind, size, files }, stored });
  }
  const warnings: string[] = [];
  const { settled, left } = await settledRules(repository, paths, warnings);
  const ignored: string[] = [];
  for (const path of paths) {
    if ((await wantsRule(git, path, warnings)) && !left.has(ignoreFileOf(path))) ignored.push(path);
  }
  if (request.dryRun === true) {
    const added: AddedData[] = [];
    for (const { pointer, stored } of found) {
      const before = await readPointer(repository, pointer.path);
      added.push({ pointer, stored, ...comparison(pointer, before), event: undefined });
    }
    return { added, written: [], warnings };
  }
  const { result, written } = await commitSection(repository, 'data add', async (section) => {
    for (const { stored } of found) await assertStillThere(stored.digest, stored.isStillThere);
    const added: AddedData[] = [];
    for (const [file, rules] of settled) await repository.workTree.write(file, rules);
    for (const path of ignored) await addRule(repository, path);
    for (const each of found) added.push(await track(repository, section, each));
    return added;
  });
  const touched = [...settled.keys(), ...ignored.map(ignoreFileOf)];
  return { added: result, written: [...new Set([...touched, ...written])], warnings };
}

function storeOptions({
  allowCollisions,
  dryRun,
  signal,
  onProgress,
}: AddRequest): Parameters<Awaited<ReturnType<Repository['artifacts']>>['store']>[1] {
  return {
    ...(allowCollisions === undefined ? {} : { allowCollisions }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

/** @throws RefusedError `NOT_TRACKABLE`, `NAME_NOT_PORTABLE` */
function assertTrackable(path: string, anyName: boolean): void {
  const shown = path === '' ? 'the whole repository' : printable(path);
  const problem =
    path === '' ? 'it holds .mlops and .git' : (trackablePathProblem(path) ?? pointerNameProblem(path));
  if (problem !== undefined) {
    throw new RefusedError('NOT_TRACKABLE', `${shown} can't be tracked: ${problem}`, {
      hint: 'name the files or directories that hold the data',
    });
  }
  const portability = anyName ? undefined : portabilityProblem(path);
  if (portability === undefined) return;
  throw new RefusedError('NAME_NOT_PORTABLE', `${shown}: ${portability}`, {
    hint: 'rename it, or pass --allow-collisions if it will only be used on systems like this one',
  });
}

function pointerNameProblem(path: string): string | undefined {
  if (/[\r\n]/.test(path)) return 'a .gitignore can not hold a line break in a name';
  if (/(?:^|\/)\.git[^/]*$/.test(path)) return 'Git reads this file itself';
  return unsafePathProblem(pointerPath(path)) === undefined
    ? undefined
    : 'its name is too long for a pointer';
}

/** No tracked path may lie in another one, or be the same for some file system. @throws RefusedError `NOT_TRACKABLE` */
async function assertApart({ documents }: Repository, paths: readonly string[]): Promise<void> {
  const { pointers, problems } = await loadPointers(documents);
  const known = [...new Set([...pointers, ...problems].map(({ path }) => path))];
  for (const path of paths) {
    const others = [...known, ...paths].filter((each) => each !== path);
    const outer = others.find((each) => isWithin(path, each));
    if (outer !== undefined) {
      throw new RefusedError(
        'NOT_TRACKABLE',
        `${printable(path)} lies in ${printable(outer)}, which is tracked as a whole`,
        { hint: `record the change there: mlops data add ${shellWord(outer)}` },
      );
    }
    const inner = others.find((each) => isWithin(each, path));
    if (inner !== undefined) {
      throw new RefusedError(
        'NOT_TRACKABLE',
        `${printable(path)} holds ${printable(inner)}, which is tracked by itself`,
        { hint: `take that out first: mlops data remove ${shellWord(inner)}` },
      );
    }
    const [collision] = findCollisions([...others, path]).filter(({ second }) => second === path);
    if (collision !== undefined) {
      throw new RefusedError(
        'NOT_TRACKABLE',
        `${printable(path)} and ${printable(collision.first)} are one name on some file systems`,
        { hint: 'rename one of them' },
      );
    }
  }
}

async function assertNotInGit(git: Git, path: string): Promise<void> {
  const entries = await git.listIndex(path);
  const [first] = entries;
  if (first === undefined) return;
  const what =
    first.path === path
      ? `${printable(path)} is in Git`
      : `${entries.length} files of ${printable(path)} are in Git, such as ${printable(first.path)}`;
  throw new RefusedError('TRACKED_BY_GIT', `${what}; its bytes would be kept twice`, {
    hint: `take it out of Git and keep the file: git rm --cached -r -- ${shellWord(path)}`,
  });
}

/** False when a rule that other clones have as well ignores the path already. */
async function wantsRule(git: Git, path: string, warnings: string[]): Promise<boolean> {
  const source = await git.ignoredBy(path);
  if (source === undefined) return true;
  if (!isAbsolute(source) && /(?:^|\/)\.gitignore$/.test(source)) return false;
  if ((await git.ignoredBy(ignoreFileOf(path))) === undefined) return true;
  warnings.push(
    `${printable(path)} is ignored by ${printable(source)}, which other clones do not have: let a committed .gitignore say so`,
  );
  return false;
}

/** The `.gitignore` files beside the paths in which a merge left a conflict that is about nothing but rules of paths, settled; and those in which it is about more. */
async function settledRules(
  { workTree }: Repository,
  paths: readonly string[],
  warnings: string[],
): Promise<{ settled: ReadonlyMap<string, Uint8Array>; left: ReadonlySet<string> }> {
  const settled = new Map<string, Uint8Array>();
  const left = new Set<string>();
  for (const file of new Set(paths.map(ignoreFileOf))) {
    const bytes = await workTree.read(file);
    const rules = withoutConflict(bytes);
    if (rules !== undefined) settled.set(file, rules);
    else if (isConflicted(bytes)) {
      left.add(file);
      warnings.push(
        `${printable(file)} holds a merge conflict about more than tracked paths and was left alone: keep the lines of both sides, take out the marks, and run the same command again`,
      );
    }
  }
  return { settled, left };
}

async function addRule({ workTree }: Repository, path: string): Promise<void> {
  const file = ignoreFileOf(path);
  const changed = withRule(await workTree.read(file), ignoreRuleOf(path));
  if (changed !== undefined) await workTree.write(file, changed);
}

/** Undefined also for one that can't be read: what is added replaces it. */
async function readPointer({ documents }: Repository, path: string): Promise<DataPointer | undefined> {
  const place = pointerPath(path);
  const bytes = await documents.read(place);
  if (bytes === undefined) return undefined;
  try {
    return parsePointer(bytes, place);
  } catch (error) {
    if (error instanceof MlopsError) return undefined;
    throw error;
  }
}

function comparison(
  pointer: DataPointer,
  before: DataPointer | undefined,
): Pick<AddedData, 'previous' | 'outcome'> {
  if (before === undefined) return { previous: undefined, outcome: 'tracked' };
  return { previous: before.digest, outcome: before.digest === pointer.digest ? 'unchanged' : 'moved' };
}

async function track(
  repository: Repository,
  section: CommitSection,
  { pointer, stored }: { pointer: DataPointer; stored: StoredArtifact },
): Promise<AddedData> {
  const { path, digest } = pointer;
  const place = pointerPath(path);
  const before = await readPointer(repository, path);
  const compared = comparison(pointer, before);
  const log = await loadRepositoryLog(repository.documents);
  const tips = dataTips(log, path);
  // One that an interrupted command wrote, or Git merged, says it already.
  const known = tips.find(({ type, to }) => type === 'tracked' && to === digest);
  if (known !== undefined) section.adopt(repositoryEventPath(known, known.id));
  // A pointer that was restored from an old commit by hand says what is true, and no event says so yet.
  const from = compared.outcome === 'moved' ? before?.digest : tips.find(({ to }) => to !== undefined)?.to;
  const subject = { path };
  const event = { type: 'tracked', subject, ...(from === undefined ? {} : { from }), to: digest, digest };
  const { id } = known ?? (await section.appendRepositoryEvent(event, log.heads));
  if (compared.outcome === 'unchanged') section.adopt(place);
  else await section.replace(place, encodePointer(pointer));
  return { pointer, stored, ...compared, event: id };
}
