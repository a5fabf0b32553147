import { IntegrityError, MlopsError } from '../../errors.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { ArtifactStore } from '../../storage/artifact-store.ts';
import { loadRepositoryLog, type EventLog, type RepositoryEvent } from '../audit/index.ts';
import { gitPath, pointerPath, REPOSITORY_EVENTS_DIRECTORY } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import type { DataPointer } from './pointer.ts';
import { loadPointers } from './pointers.ts';
import { dataTips, isDataEvent } from './trail.ts';

export interface DataDamage {
  kind: 'pointer' | 'event';
  /** Below the Git root. */
  path: string;
  /** `null` where there is none to name. */
  digest: string | null;
  problem: string;
}

export interface VerifiedData {
  pointers: number;
  events: number;
  /** The events themselves, for whoever holds other documents against them. */
  log: EventLog<RepositoryEvent>;
  /** Artifacts that the sound pointers need. */
  digests: readonly string[];
  damage: readonly DataDamage[];
  /** Worth knowing, and no damage. */
  notices: readonly string[];
  /** The merge conflict of a pointer, if there is one. */
  conflict: MlopsError | undefined;
}

/**
 * Holds the pointers of tracked data and the events of the repository against each other (docs/format.md 5.6), and against
 * the lists of files that are in this clone. Every document is read; damage is returned, not thrown.
 */
export async function verifyData(
  repository: Repository,
  { metadataOnly }: { metadataOnly: boolean },
): Promise<VerifiedData> {
  const { documents } = repository;
  // Before the events, as readers take no lock: then every event that a pointer follows is there.
  const { pointers, problems } = await loadPointers(documents);
  const log = await loadRepositoryLog(documents, { fresh: true });
  const damage: DataDamage[] = [
    ...problems.map(({ file, error }): DataDamage => ({
      kind: 'pointer',
      path: file,
      digest: null,
      problem: error.message,
    })),
    ...trailDamage(log),
  ];
  const notices: string[] = [];
  for (const pointer of pointers) {
    const problem = pointerProblem(log, pointer, notices);
    if (problem !== undefined) damage.push(pointerDamage(pointer, problem));
  }
  notices.push(...untoldRemovals(log, new Set([...pointers, ...problems].map(({ path }) => path))));
  if (!metadataOnly && pointers.length > 0) {
    const artifacts = await repository.artifacts();
    for (const pointer of pointers) {
      const problem = await contentProblem(artifacts, pointer);
      if (problem !== undefined) damage.push(pointerDamage(pointer, problem));
    }
  }
  return {
    pointers: pointers.length,
    events: log.newestFirst.length,
    log,
    digests: pointers.map(({ digest }) => digest),
    damage,
    notices,
    conflict: problems.find(({ error }) => error.code === 'MERGE_CONFLICT')?.error,
  };
}

function pointerDamage({ path, digest }: DataPointer, problem: string): DataDamage {
  return { kind: 'pointer', path: gitPath(pointerPath(path)), digest, problem };
}

function trailDamage(log: EventLog<RepositoryEvent>): DataDamage[] {
  const directory = gitPath(REPOSITORY_EVENTS_DIRECTORY);
  return [
    ...log.damaged.map(({ name, error }): DataDamage => ({
      kind: 'event',
      path: `${directory}/${name}`,
      digest: null,
      problem: error.message,
    })),
    ...log.missingParents.map(({ event, parent }): DataDamage => ({
      kind: 'event',
      path: directory,
      digest: parent,
      problem: `the event ${parent} is missing; ${event.type} of ${event.time} names it as a parent`,
    })),
  ];
}

/** A pointer has to say what some event said; the last one, unless Git or a person put an older pointer back. */
function pointerProblem(
  log: EventLog<RepositoryEvent>,
  { path, digest }: DataPointer,
  notices: string[],
): string | undefined {
  const shown = printable(path);
  const says = ({ type, to }: RepositoryEvent): boolean => type === 'tracked' && to === digest;
  const tips = dataTips(log, path);
  if (tips.some(says)) {
    if (tips.length > 1 && new Set(tips.map(({ to }) => to)).size > 1) {
      notices.push(`two branches changed ${shown} at once; Git kept ${digest}`);
    }
    return undefined;
  }
  if (log.newestFirst.some((event) => event.subject.path === path && says(event))) {
    notices.push(
      `${shown} points to an earlier state than its last event says: restore the pointer with git, or record it with mlops data add ${shellWord(path)}`,
    );
    return undefined;
  }
  return 'names bytes that no event says were ever tracked here, so it was changed by hand';
}

/** Paths whose last events say that they are tracked, and that have no pointer. */
function untoldRemovals(log: EventLog<RepositoryEvent>, pointed: ReadonlySet<string>): string[] {
  const paths = new Set<string>();
  for (const event of log.newestFirst) {
    const { path } = event.subject;
    if (isDataEvent(event) && path !== undefined && !pointed.has(path)) paths.add(path);
  }
  return [...paths]
    .filter((path) => dataTips(log, path).every(({ type }) => type === 'tracked'))
    .map((path) => {
      const shown = printable(path);
      return `${shown} has no pointer, though its last event says that it is tracked: an interrupted command is finished by mlops data add ${shellWord(path)}`;
    });
}

/** What the pointer says of the artifact has to be what its list of files says; one that is not here is told of elsewhere. */
async function contentProblem(
  artifacts: ArtifactStore,
  { digest, kind, size, files }: DataPointer,
): Promise<string | undefined> {
  try {
    const manifest = await artifacts.manifest(digest);
    const total = manifest.files.reduce((sum, file) => sum + file.size, 0);
    const same = manifest.kind === kind && manifest.files.length === files && total === size;
    return same ? undefined : 'says another kind, size or number of files than the artifact has';
  } catch (error) {
    if (error instanceof IntegrityError) return undefined;
    if (error instanceof MlopsError) return error.message;
    throw error;
  }
}
