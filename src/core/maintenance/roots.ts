import { UsageError } from '../../errors.ts';
import type { Git, GitReference, ReferenceKind } from '../../git/git.ts';
import { type Needs, NeedsReader } from '../repository/documents-at.ts';
import type { NeededArtifact } from '../repository/needed-artifacts.ts';
import type { Repository } from '../repository/repository.ts';
import { runNeeds } from '../runs/needs.ts';
import { listHolds } from './holds.ts';

/** Where a need comes from. `files`: the documents of this work tree. `index`: what is staged. `hold`: `mlops hold`. */
export interface NeedSource {
  readonly kind: 'files' | 'index' | 'hold' | ReferenceKind;
  /** Name of the ref, path of the work tree, or the reason of a hold; empty for `files` and `index`. */
  readonly name: string;
}

/** One reason why an artifact is kept. */
export interface Keeper {
  readonly need: NeededArtifact;
  /** Everything that has the document which says so; commonly shared between keepers. */
  readonly sources: readonly NeedSource[];
}

/** All artifacts that anything in this clone needs, by `sha256:` digest. */
export interface Roots {
  readonly keepers: ReadonlyMap<string, readonly Keeper[]>;
  /** Refs, stash entries, work trees and reflog entries that were read. */
  readonly references: number;
  readonly commits: number;
}

/** More reasons than this for one artifact tell nobody anything. */
const MOST_KEEPERS = 64;

export interface RootsOptions {
  /** Keep what Git refs pointed to within this time, in milliseconds. */
  graceMs: number;
  /** Remembers what it read, so that a second look costs little. */
  reader: NeedsReader;
  /** More that keeps artifacts, with commits that this clone has. */
  also?: readonly GitReference[];
}

/**
 * Everything that keeps artifacts: this work tree's documents, the index, every branch, remote branch, tag, other ref, stash entry, the
 * HEAD of each work tree, reflog entries within the grace period, and holds.
 *
 * @throws whatever stands in the way of knowing all of them
 */
export async function collectRoots(
  repository: Repository,
  { graceMs, reader, also = [] }: RootsOptions,
): Promise<Roots> {
  const git = await repository.git();
  const here = await git.references({ reflogSince: repository.now().getTime() - graceMs });
  const references = [...here, ...also];
  const commits = [...new Set(references.map(({ commit }) => commit))];
  const needsOf = await reader.ofCommits(commits);
  const parts = new Map<readonly NeededArtifact[], Map<string, NeedSource>>();
  const add = (needs: Needs, source: NeedSource): void => {
    for (const part of needs) {
      const sources = parts.get(part) ?? new Map<string, NeedSource>();
      sources.set(`${source.kind} ${source.name}`, source);
      parts.set(part, sources);
    }
  };
  add(await reader.ofWorkTree(repository.documents), { kind: 'files', name: '' });
  add([await runNeeds(repository)], { kind: 'files', name: '' });
  add(await reader.ofIndex(), { kind: 'index', name: '' });
  for (const { kind, name, commit } of references) add(needsOf.get(commit) ?? [], { kind, name });
  const found = new Map<string, Collected>();
  for (const [part, named] of parts) {
    const sources = [...named.values()];
    for (const need of part) keep(found, need, sources);
  }
  for (const { digest, reason } of await listHolds(repository.documents)) {
    const need: NeededArtifact = { digest, kind: 'hold', name: 'hold' };
    keep(found, need, [{ kind: 'hold', name: reason }]);
  }
  const keepers = new Map([...found].map(([digest, known]) => [digest, [...known.values()]]));
  return { keepers, references: references.length, commits: commits.length };
}

/** Reasons by what needs the artifact, so that the same need of a thousand refs is one. */
type Collected = Map<string, { need: NeededArtifact; sources: NeedSource[] }>;

function keep(all: Map<string, Collected>, need: NeededArtifact, sources: readonly NeedSource[]): void {
  const known = all.get(need.digest) ?? new Map();
  all.set(need.digest, known);
  const key = `${need.kind} ${need.name}`;
  const same = known.get(key);
  if (same !== undefined) for (const source of sources) same.sources.push(source);
  else if (known.size < MOST_KEEPERS) known.set(key, { need, sources: [...sources] });
}

/** A reader of this repository's Git, if Git governs the whole of it. @throws UsageError `NOT_A_GIT_REPOSITORY` */
export async function createReader(repository: Repository): Promise<NeedsReader> {
  const git = await repository.git();
  await assertAtGitRoot(git, repository.root);
  return new NeedsReader(git);
}

/** Elsewhere `.mlops` would be looked for in the wrong place of every commit, and nothing found that is needed. */
async function assertAtGitRoot(git: Git, root: string): Promise<void> {
  const top = await git.findRoot(root);
  if (top === root) return;
  throw new UsageError(
    'NOT_A_GIT_REPOSITORY',
    top === undefined
      ? `${root} is in no Git work tree, so nobody can tell which versions are needed elsewhere`
      : `.mlops is in ${root}, but the Git work tree starts at ${top}, so its commits can't be read`,
    { hint: 'run this where .mlops lies at the root of the Git work tree; nothing was removed' },
  );
}
