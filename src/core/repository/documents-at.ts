import { MlopsError, RefusedError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { Git, TreeEntry } from '../../git/git.ts';
import type { DocumentFile, DocumentStore } from '../../storage/document-store.ts';
import { digestOf } from './digest.ts';
import { gitPath, MLOPS_DIRECTORY, MODELS_DIRECTORY, RUNS_DIRECTORY } from './layout.ts';
import {
  documentNeeds,
  mayNeedArtifacts,
  withoutDeleted,
  type DocumentNeeds,
  type NeededArtifact,
} from './needed-artifacts.ts';

/**
 * What the documents of one commit (or of the index, or of the work tree) need, in parts. Commits that have a part in common
 * share the very same array, so that a thousand commits cost little more than one.
 */
export type Needs = readonly (readonly NeededArtifact[])[];

const DIRECTORY_MODE = '040000';
const FILE_MODES: ReadonlySet<string> = new Set(['100644', '100755']);
const MAX_DEPTH = 256;

/** A tree at its place below `.mlops`; the same tree at another place says something else. */
interface PlacedTree {
  path: string;
  id: string;
}

/**
 * Reads the artifacts that commits, the index and the work tree need. Every tree and every document is read and parsed once,
 * however many commits have it, also when the same reader is asked again.
 *
 * Fails closed: a document, an entry or an object that can't be read or trusted is an error, since it may need anything.
 */
export class NeedsReader {
  readonly #git: Git;
  readonly #trees = new Map<string, readonly TreeEntry[]>();
  readonly #documents = new Map<string, DocumentNeeds>();
  readonly #parts = new Map<string, readonly NeededArtifact[]>();

  constructor(git: Git) {
    this.#git = git;
  }

  /**
   * @param commits ids of commits or trees
   * @returns for each of them what it needs; nothing for one without `.mlops`
   * @throws IntegrityError, RefusedError, ConflictError or UsageError naming the document and its Git object
   */
  async ofCommits(commits: readonly string[]): Promise<ReadonlyMap<string, Needs>> {
    const roots = await this.#git.directoriesAt(commits, MLOPS_DIRECTORY);
    const tops = [...new Set(roots.values())].map((id) => ({ path: '', id }));
    const files = await this.#readTrees(tops);
    await this.#readBlobs(files);
    const byTree = new Map(tops.map((top) => [top.id, this.#needsOf(top)]));
    return new Map(commits.map((commit) => [commit, byTree.get(roots.get(commit) ?? '') ?? []]));
  }

  /** What is staged; of an unmerged path each side. @throws as `ofCommits` */
  async ofIndex(): Promise<Needs> {
    const entries = await this.#git.listIndex(MLOPS_DIRECTORY);
    const files = entries
      .map(({ path, mode, id }) => ({ path: path.slice(MLOPS_DIRECTORY.length + 1), mode, id }))
      .filter(({ path }) => mayNeedArtifacts(path));
    for (const file of files) assertFile(file);
    await this.#readBlobs(files);
    return [withoutDeleted(files.map((file) => this.#document(file)))];
  }

  /** What the work tree's own documents need, committed or not, without those of runs: see `runNeeds`. @throws as `ofCommits`; LocalIoError */
  async ofWorkTree(documents: DocumentStore): Promise<Needs> {
    const found: DocumentNeeds[] = [];
    await this.#visit(documents, '', found);
    return [withoutDeleted(found)];
  }

  async #visit(documents: DocumentStore, directory: string, found: DocumentNeeds[]): Promise<void> {
    const prefix = directory === '' ? '' : `${directory}/`;
    for (const file of await documents.readDirectory(directory)) {
      const path = `${prefix}${file.name}`;
      if (mayNeedArtifacts(path)) found.push(this.#parseFile(path, file));
    }
    for (const name of await documents.listDirectories(directory)) {
      const path = `${prefix}${name}`;
      if (path !== RUNS_DIRECTORY && mayNeedArtifacts(path)) await this.#visit(documents, path, found);
    }
  }

  #parseFile(path: string, file: DocumentFile): DocumentNeeds {
    const bytes = file.read();
    const key = `${path}\0${digestOf(bytes)}`;
    const known = this.#documents.get(key) ?? documentNeeds(path, bytes);
    this.#documents.set(key, known);
    return known;
  }

  /** Reads every tree below these, a level of all of them at a time. @returns the files in them that may need something */
  async #readTrees(tops: readonly PlacedTree[]): Promise<TreeEntry[]> {
    const seen = new Set<string>();
    const files = new Map<string, TreeEntry>();
    let level = tops;
    for (let depth = 0; level.length > 0; depth += 1) {
      if (depth > MAX_DEPTH) {
        throw new RefusedError('UNSAFE_PATH', `${gitPath(level[0]?.path ?? '')} is nested too deep`);
      }
      const unknown = level.map(({ id }) => id).filter((id) => !this.#trees.has(id));
      for (const [id, entries] of await this.#git.readTrees(unknown)) this.#trees.set(id, entries);
      const next: PlacedTree[] = [];
      for (const tree of level) {
        for (const entry of this.#entriesOf(tree)) {
          const key = keyOf(entry);
          if (entry.mode !== DIRECTORY_MODE) files.set(key, entry);
          else if (!seen.has(key)) next.push(entry);
          seen.add(key);
        }
      }
      level = next;
    }
    return [...files.values()];
  }

  /** Entries with their paths below `.mlops`; only those that may need something. */
  #entriesOf({ path, id }: PlacedTree): TreeEntry[] {
    const prefix = path === '' ? '' : `${path}/`;
    const entries: TreeEntry[] = [];
    for (const { path: name, mode, id: entryId } of this.#trees.get(id) ?? []) {
      const entry = { path: `${prefix}${name}`, mode, id: entryId };
      if (!mayNeedArtifacts(entry.path)) continue;
      if (mode !== DIRECTORY_MODE) assertFile(entry);
      entries.push(entry);
    }
    return entries;
  }

  async #readBlobs(files: readonly TreeEntry[]): Promise<void> {
    const places = new Map<string, string[]>();
    for (const file of files) {
      if (this.#documents.has(keyOf(file))) continue;
      places.set(file.id, [...(places.get(file.id) ?? []), file.path]);
    }
    await this.#git.readBlobs([...places.keys()], (id, bytes) => {
      for (const path of places.get(id) ?? []) {
        this.#documents.set(keyOf({ path, id }), parseFromGit(path, id, bytes));
      }
    });
  }

  #document(file: PlacedTree): DocumentNeeds {
    const known = this.#documents.get(keyOf(file));
    if (known === undefined) throw new TypeError(`${file.path} was not read`);
    return known;
  }

  /** One part for each model, since a deletion speaks of its own model only; and one for each other top entry. */
  #needsOf(top: PlacedTree): Needs {
    const parts: (readonly NeededArtifact[])[] = [];
    for (const entry of this.#entriesOf(top)) {
      if (entry.path === MODELS_DIRECTORY && entry.mode === DIRECTORY_MODE) {
        for (const model of this.#entriesOf(entry)) parts.push(this.#part(model));
      } else {
        parts.push(this.#part(entry));
      }
    }
    return parts.filter((part) => part.length > 0);
  }

  #part(entry: TreeEntry): readonly NeededArtifact[] {
    const key = keyOf(entry);
    const known = this.#parts.get(key) ?? withoutDeleted(this.#documentsBelow(entry));
    this.#parts.set(key, known);
    return known;
  }

  #documentsBelow(entry: TreeEntry): DocumentNeeds[] {
    if (entry.mode !== DIRECTORY_MODE) return [this.#document(entry)];
    return this.#entriesOf(entry).flatMap((below) => this.#documentsBelow(below));
  }
}

function keyOf({ path, id }: PlacedTree): string {
  return `${path}\0${id}`;
}

function assertFile({ path, mode, id }: TreeEntry): void {
  if (FILE_MODES.has(mode)) return;
  const kind = mode === '120000' ? 'a symbolic link' : 'no regular file';
  throw new RefusedError(
    'UNSAFE_PATH',
    `${printable(gitPath(path))} is ${kind} in a commit or in the index`,
    {
      hint: `find the commits: git log --all --find-object=${id}`,
    },
  );
}

/** Says where a document that can't be read comes from, as it may be in no work tree. */
function parseFromGit(path: string, id: string, bytes: Uint8Array): DocumentNeeds {
  try {
    return documentNeeds(path, bytes);
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    const { code, exitCode, message } = error;
    throw new MlopsError(code, exitCode, `${message} (as Git has it in the object ${id})`, {
      hint: `find the commits: git log --all --find-object=${id}`,
      cause: error,
    });
  }
}
