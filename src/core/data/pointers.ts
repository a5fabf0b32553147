import { IntegrityError, MlopsError } from '../../errors.ts';
import { findCollisions } from '../../lib/portable-names.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { DATA_DIRECTORY, gitPath, pointerPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { parsePointer, spelledPath, type DataPointer } from './pointer.ts';

export type { DataPointer } from './pointer.ts';

/** A pointer of the work tree that can't be used, or may not be. */
export interface PointerProblem {
  /** What the place of the file spells; not proved safe. */
  readonly path: string;
  /** Below the Git root. */
  readonly file: string;
  readonly error: MlopsError;
}

export interface LoadedPointers {
  /** Sorted by path. No path lies inside another one. */
  readonly pointers: readonly DataPointer[];
  readonly problems: readonly PointerProblem[];
}

/**
 * The tracked data of the work tree, sorted by path.
 * @throws the first problem: ConflictError `MERGE_CONFLICT`, IntegrityError, or RefusedError `UNSAFE_PATH`
 */
export async function listPointers({ documents }: Pick<Repository, 'documents'>): Promise<DataPointer[]> {
  const { pointers, problems } = await loadPointers(documents);
  const [problem] = problems;
  if (problem !== undefined) throw problem.error;
  return [...pointers];
}

/** As {@link listPointers}, but problems are returned and the sound pointers beside them. */
export async function loadPointers(documents: DocumentStore): Promise<LoadedPointers> {
  const pointers: DataPointer[] = [];
  const problems: PointerProblem[] = [];
  const places = await listPlaces(documents, DATA_DIRECTORY, problems);
  for (const { place, read } of places) {
    try {
      pointers.push(parsePointer(read(), place));
    } catch (error) {
      if (!(error instanceof MlopsError)) throw error;
      const path = spelledPath(place);
      problems.push({ path, file: gitPath(place), error });
    }
  }
  const apart = separate(pointers.toSorted(byPath));
  return { pointers: apart.pointers, problems: [...problems, ...apart.problems].toSorted(byPath) };
}

function byPath(first: { path: string }, second: { path: string }): number {
  if (first.path === second.path) return 0;
  return first.path < second.path ? -1 : 1;
}

/** Files of all depths below a directory; a directory with an unsafe name is a problem, and what is in it is not looked at. */
async function listPlaces(
  documents: DocumentStore,
  directory: string,
  problems: PointerProblem[],
): Promise<{ place: string; read(): Uint8Array }[]> {
  const places: { place: string; read(): Uint8Array }[] = [];
  try {
    for (const file of await documents.readDirectory(directory)) {
      places.push({ place: `${directory}/${file.name}`, read: () => file.read() });
    }
    for (const name of await documents.listDirectories(directory)) {
      places.push(...(await listPlaces(documents, `${directory}/${name}`, problems)));
    }
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    problems.push({ path: directory.slice(DATA_DIRECTORY.length + 1), file: gitPath(directory), error });
  }
  return places;
}

/** Takes out pointers of which one lies in the other, or that are the same for some file system. */
function separate(pointers: readonly DataPointer[]): LoadedPointers {
  const problems = new Map<string, PointerProblem>();
  for (const { first, second } of findCollisions(pointers.map(({ path }) => path))) {
    const what = second.startsWith(`${first}/`) ? 'lies in' : 'is one name on some file systems with';
    const error = new IntegrityError(
      'POINTER_NESTED',
      `${gitPath(pointerPath(printable(second)))}: ${printable(second)} ${what} ${printable(first)}, which is tracked too`,
      { hint: `keep one of them: mlops data remove ${shellWord(second)}` },
    );
    // Which of the two is meant is not for this program to choose.
    for (const path of [first, second]) problems.set(path, { path, file: gitPath(pointerPath(path)), error });
  }
  return {
    pointers: pointers.filter(({ path }) => !problems.has(path)),
    problems: [...problems.values()],
  };
}
