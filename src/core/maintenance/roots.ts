import { UsageError } from '../../errors.ts';
import type { Git, ReferenceKind } from '../../git/git.ts';
import { type Needs, NeedsReader } from '../repository/documents-at.ts';
import type { NeededArtifact } from '../repository/needed-artifacts.ts';
import type { Repository } from '../repository/repository.ts';
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
}

/**
 * Everything that keeps artifacts: this work tree's documents, the index, every branch, remote branch, tag, other ref, stash entry, the
 * HEAD of each work tree, reflog entries within the grace period, and holds.
 *
 * @throws whatever stands in the way of knowing all of them
 */
export async function collectRoots(
  repository: Repository,
  { graceMs, reader }: RootsOptions,
): Promise<Roots> {
  const git = await repository.git();
  const references = await git.references({ reflogSince: repository.now().getTime() - graceMs });
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
  add(await reader.ofIndex(), { kind: 'index', name: '' });
  for (const { kind, name, commit } of references) add(needsOf.get(commit) ?? [], { kind, name });
  const keepers = new Map<string, Keeper[]>();
  for (const [part, found] of parts) {
    const sources = [...found.values()];
    for (const need of part) keep(keepers, { need, sources });
  }
  for (const { digest, reason } of await listHolds(repository.documents)) {
    const need: NeededArtifact = { digest, kind: 'hold', name: 'hold' };
    keep(keepers, { need, sources: [{ kind: 'hold', name: reason }] });
  }
  return { keepers, references: references.length, commits: commits.length };
}

function keep(keepers: Map<string, Keeper[]>, keeper: Keeper): void {
  const { digest } = keeper.need;
  const known = keepers.get(digest) ?? [];
  keepers.set(digest, known);
  const { kind, name } = keeper.need;
  const at = known.findIndex(({ need }) => need.kind === kind && need.name === name);
  const same = known[at];
  if (same !== undefined) known[at] = { need: same.need, sources: [...same.sources, ...keeper.sources] };
  else if (known.length < MOST_KEEPERS) known.push(keeper);
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
