import { NeedsReader } from '../repository/documents-at.ts';
import type { NeedKind } from '../repository/needed-artifacts.ts';
import type { Repository } from '../repository/repository.ts';

const SENT: ReadonlySet<NeedKind> = new Set<NeedKind>(['version', 'stage', 'data']);

/**
 * Artifacts that versions, stages and tracked data of any branch, remote branch, tag, stash entry or other work tree need.
 * @returns who needs each, by `sha256:` digest
 * @throws as `NeedsReader.ofCommits`
 */
export async function artifactsOfAllBranches(repository: Repository): Promise<Map<string, string[]>> {
  const git = await repository.git();
  const commits = [...new Set((await git.references()).map(({ commit }) => commit))];
  const needed = new Map<string, string[]>();
  for (const needs of (await new NeedsReader(git).ofCommits(commits)).values()) {
    for (const { digest, kind, name } of needs.flat()) {
      if (!SENT.has(kind)) continue;
      const names = needed.get(digest) ?? [];
      if (!names.includes(name)) names.push(name);
      needed.set(digest, names);
    }
  }
  return needed;
}
