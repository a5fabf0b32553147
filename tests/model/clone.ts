import { DEFAULT_CONFIG } from '../../src/config/schema.ts';
import type { AdvertisedReferences, GitReference } from '../../src/git/git.ts';
import type { ArtifactStore } from '../../src/storage/artifact-store.ts';
import { createMemoryArtifactStore } from '../../src/storage/memory/artifact-store.ts';
import { createMemoryCommitLock } from '../../src/storage/memory/commit-lock.ts';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import { documentsOf, memoryRepository, type MemoryRepository } from '../support/memory-repository.ts';
import { faultyDocuments, faultyObjects, Faults } from './faults.ts';
import type { Commit, Documents, GitObjects } from './memory-git.ts';
import { NOTHING, type Expected } from './registry-model.ts';

const REMOTE_URL = '/mnt/shared';

interface CloneParts {
  name: string;
  faults: Faults;
  git: GitObjects<Expected>;
}

/** One person's clone: the product over stores in memory that can fail, and beside it what is expected of it. */
export class Clone {
  readonly name: string;
  readonly faults: Faults;
  readonly objects = new MemoryObjectStore();
  readonly repository: MemoryRepository;
  /** What the documents of the work tree should say. */
  expected: Expected = NOTHING;
  /** Keys of contents that must be in the local store. */
  readonly here = new Set<string>();
  /** Bytes that somebody wrote to a tracked path, and that are saved nowhere. */
  readonly edits = new Map<string, Buffer>();
  /** The other clone, whose branches are what a fetch gets. */
  peer: Clone | undefined;
  /** Commits of the own branches, and of the other clone's as they were last fetched. */
  readonly branches = new Map<string, string>();
  known: ReadonlyMap<string, string> = new Map();
  branch = 'main';
  readonly #git: GitObjects<Expected>;

  private constructor(repository: MemoryRepository, { name, faults, git }: CloneParts) {
    this.name = name;
    this.faults = faults;
    this.repository = repository;
    this.#git = git;
  }

  static async create(
    name: string,
    { remote, git }: { remote: MemoryObjectStore; git: GitObjects<Expected> },
  ): Promise<Clone> {
    const faults = new Faults();
    const repository = await memoryRepository({
      config: {
        ...DEFAULT_CONFIG,
        remotes: { origin: { url: REMOTE_URL, origin: 'local.json' } },
        defaultRemote: 'origin',
      },
      wrap: (documents) => faultyDocuments(documents, faults),
      actor: `${name} <${name}@example.org>`,
      stores: { [REMOTE_URL]: faultyObjects(remote, faults, 'remote') },
    });
    const clone = new Clone(repository, { name, faults, git });
    const noGit = await repository.git();
    const ownGit = git.git(noGit, {
      root: repository.root,
      references: () => clone.#references(),
      advertised: () => clone.advertised(),
    });
    Object.assign(repository, { git: () => Promise.resolve(ownGit) });
    clone.restart();
    await clone.commit();
    return clone;
  }

  /** As after the process ended, and somebody emptied the caches: no lock, no index, no memory of any source. */
  restart(): void {
    const artifacts: ArtifactStore = createMemoryArtifactStore({
      root: this.repository.root,
      objects: faultyObjects(this.objects, this.faults, 'objects'),
    });
    Object.assign(this.repository, {
      lock: createMemoryCommitLock(),
      artifacts: () => Promise.resolve(artifacts),
    });
  }

  get tip(): Commit<Expected> {
    return this.#git.read(this.branches.get(this.branch) ?? '');
  }

  /** Every state that Git or the work tree of this clone knows of. */
  get knownStates(): Expected[] {
    const commits = new Set([...this.branches.values(), ...this.known.values()]);
    return [this.expected, ...[...commits].map((id) => this.#git.read(id).state)];
  }

  async commit(...otherParents: string[]): Promise<void> {
    const parent = this.branches.get(this.branch);
    const parents = [...(parent === undefined ? [] : [parent]), ...otherParents];
    const { id } = this.#git.commit(await this.documents(), parents, this.expected);
    this.branches.set(this.branch, id);
  }

  /** As `git switch`, or `git switch -c` for a branch that is not there yet; what was changed is committed before. */
  async switchTo(branch: string): Promise<void> {
    await this.commit();
    const target = this.branches.get(branch) ?? this.tip.id;
    this.branches.set(branch, target);
    this.branch = branch;
    const { documents, state } = this.#git.read(target);
    await this.writeDocuments(documents);
    this.expected = state;
  }

  async documents(): Promise<Map<string, Uint8Array>> {
    const all = await documentsOf(this.repository.plain);
    return new Map([...all].filter(([path]) => !/^(?:cache|tmp)\/|^local\.json$/.test(path)));
  }

  async writeDocuments(wanted: Documents): Promise<void> {
    const now = await this.documents();
    for (const path of now.keys()) if (!wanted.has(path)) await this.repository.plain.remove(path);
    for (const [path, bytes] of wanted) {
      const before = now.get(path);
      if (before === undefined || Buffer.compare(before, bytes) !== 0)
        await this.repository.plain.write(path, bytes);
    }
  }

  /** Digests of all that was saved or tracked, as the events in the work tree and in the whole known history say. */
  async namedDigests(): Promise<Set<string>> {
    const commits = this.#git.history(this.#references().map(({ commit }) => commit));
    const named = new Set<string>();
    for (const documents of [await this.documents(), ...commits.map((commit) => commit.documents)]) {
      for (const [path, bytes] of documents) {
        if (!/(?:^|\/)events\/[^/]*-(?:saved|tracked)-[^/]*$/.test(path)) continue;
        const event = JSON.parse(Buffer.from(bytes).toString()) as { digest: string };
        named.add(event.digest);
      }
    }
    return named;
  }

  /** What the other clone has on its branches now. */
  advertised(): AdvertisedReferences {
    const own = new Set(
      this.#git.history(this.#references().map(({ commit }) => commit)).map(({ id }) => id),
    );
    const theirs = [...(this.peer?.branches ?? [])].map(([name, commit]) => ({ name, commit }));
    return {
      known: theirs
        .filter(({ commit }) => own.has(commit))
        .map(({ name, commit }) => ({ kind: 'remote-branch', name: `origin/${name}`, commit })),
      unknown: theirs.filter(({ commit }) => !own.has(commit)).map(({ name }) => name),
    };
  }

  #references(): GitReference[] {
    const own = [...this.branches].map(([name, commit]) => ({ kind: 'branch' as const, name, commit }));
    const others = [...this.known].map(([name, commit]) => ({
      kind: 'remote-branch' as const,
      name: `origin/${name}`,
      commit,
    }));
    return [...own, ...others, { kind: 'worktree', name: this.repository.root, commit: this.tip.id }];
  }
}
