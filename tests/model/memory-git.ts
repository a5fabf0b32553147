import { createHash } from 'node:crypto';
import type { AdvertisedReferences, Git, GitReference, TreeEntry } from '../../src/git/git.ts';

/** Documents below `.mlops` that Git has, by path. */
export type Documents = ReadonlyMap<string, Uint8Array>;

export interface Commit<T> {
  readonly id: string;
  readonly parents: readonly string[];
  readonly documents: Documents;
  /** What a test knows of the state that was committed. */
  readonly state: T;
}

/** The objects of every clone: who fetches gets refs only. */
export class GitObjects<T> {
  readonly #trees = new Map<string, readonly TreeEntry[]>();
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #commits = new Map<string, Commit<T>>();
  readonly #roots = new Map<string, string>();

  commit(documents: Documents, parents: readonly string[], state: T): Commit<T> {
    const root = this.#tree(documents);
    const id = idOf(`commit ${this.#commits.size} ${root} ${parents.join(' ')}`);
    const commit = { id, parents, documents, state };
    this.#commits.set(id, commit);
    this.#roots.set(id, root);
    return commit;
  }

  read(id: string): Commit<T> {
    const commit = this.#commits.get(id);
    if (commit === undefined) throw new Error(`no commit ${id}`);
    return commit;
  }

  /** A common ancestor that no other common ancestor descends from; of several the youngest. */
  mergeBase(first: string, second: string): Commit<T> | undefined {
    const others = this.#ancestors(second);
    const common = [...this.#ancestors(first)].filter((id) => others.has(id));
    const order = [...this.#commits.keys()];
    const youngest = common.toSorted((one, two) => order.indexOf(two) - order.indexOf(one))[0];
    return youngest === undefined ? undefined : this.read(youngest);
  }

  /** These commits and all that they descend from. */
  history(ids: readonly string[]): Commit<T>[] {
    return [...new Set(ids.flatMap((id) => [...this.#ancestors(id)]))].map((id) => this.read(id));
  }

  #ancestors(id: string): Set<string> {
    const found = new Set<string>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      open.push(...this.read(next).parents);
    }
    return found;
  }

  #tree(documents: Documents): string {
    const below = new Map<string, Map<string, Uint8Array>>();
    const entries: TreeEntry[] = [];
    for (const [path, bytes] of documents) {
      const slash = path.indexOf('/');
      if (slash < 0) {
        const id = idOf(bytes);
        this.#blobs.set(id, bytes);
        entries.push({ path, mode: '100644', id });
        continue;
      }
      const name = path.slice(0, slash);
      const inside = below.get(name) ?? new Map<string, Uint8Array>();
      below.set(name, inside.set(path.slice(slash + 1), bytes));
    }
    for (const [path, inside] of below) entries.push({ path, mode: '040000', id: this.#tree(inside) });
    const id = idOf(`tree ${entries.map((entry) => `${entry.mode} ${entry.path} ${entry.id}`).join('\n')}`);
    this.#trees.set(id, entries);
    return id;
  }

  /** The Git of one clone over `base`. */
  git(
    base: Git,
    clone: { root: string; references: () => GitReference[]; advertised: () => AdvertisedReferences },
  ): Git {
    return {
      ...base,
      findRoot: () => Promise.resolve(clone.root),
      references: () => Promise.resolve(clone.references()),
      remotes: () => Promise.resolve(['origin']),
      advertised: () => Promise.resolve(clone.advertised()),
      filesEver: () =>
        Promise.resolve(
          this.history(clone.references().map(({ commit }) => commit)).flatMap(({ documents }) =>
            [...documents].map(([path, bytes]) => ({ path: `.mlops/${path}`, id: idOf(bytes) })),
          ),
        ),
      ignoredBy: () => Promise.resolve('.gitignore'),
      notIgnored: () => Promise.resolve([]),
      directoriesAt: (commits) =>
        Promise.resolve(new Map(commits.map((commit) => [commit, this.#root(commit)]))),
      readTrees: (ids) => Promise.resolve(new Map(ids.map((id) => [id, this.#trees.get(id) ?? missing(id)]))),
      readBlobs: (ids, visit) => {
        for (const id of ids) visit(id, this.#blobs.get(id) ?? missing(id));
        return Promise.resolve();
      },
    };
  }

  #root(commit: string): string {
    return this.#roots.get(commit) ?? missing(commit);
  }
}

function missing(id: string): never {
  throw new Error(`no Git object ${id}`);
}

function idOf(content: string | Uint8Array): string {
  return createHash('sha1').update(content).digest('hex');
}

/** A path that both sides changed, each in its own way; undefined where a side removed it. */
export interface Conflict {
  path: string;
  ours: Uint8Array | undefined;
  theirs: Uint8Array | undefined;
}

/** What `git merge` makes of two trees; paths in conflict keep ours. */
export function mergeDocuments(
  base: Documents,
  ours: Documents,
  theirs: Documents,
): { merged: Map<string, Uint8Array>; conflicts: Conflict[] } {
  const merged = new Map<string, Uint8Array>();
  const conflicts: Conflict[] = [];
  for (const path of new Set([...ours.keys(), ...theirs.keys()])) {
    const [before, our, their] = [base.get(path), ours.get(path), theirs.get(path)];
    const isOurs = isSameBytes(before, their) || isSameBytes(our, their);
    const taken = isOurs || !isSameBytes(before, our) ? our : their;
    if (!isOurs && !isSameBytes(before, our)) conflicts.push({ path, ours: our, theirs: their });
    if (taken !== undefined) merged.set(path, taken);
  }
  return { merged, conflicts };
}

function isSameBytes(first: Uint8Array | undefined, second: Uint8Array | undefined): boolean {
  if (first === undefined || second === undefined) return first === second;
  return Buffer.compare(first, second) === 0;
}
