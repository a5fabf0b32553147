import { loadRepositoryLog } from '../audit/repository-event.ts';
import { listModels, loadModel } from '../registry/model-state.ts';
import type { Repository } from '../repository/repository.ts';

/** More than these hardly ever have something in common that the first ones do not. */
const MOST_RELATED = 24;

/**
 * Which artifacts probably share bytes with one: of a version its parent, then the other versions of its model, newest first; of
 * tracked data what lay at the same path before.
 */
export async function relatedArtifacts(
  repository: Repository,
): Promise<(digest: string) => readonly string[]> {
  const families = new Map<string, string[][]>();
  const join = (digest: string, family: string[]): void => {
    families.set(digest, [...(families.get(digest) ?? []), family]);
  };
  const parents = new Map<string, string>();
  for (const model of await listModels(repository.documents)) {
    const records = (await loadModel(repository, model)).versions.map(({ record }) => record);
    const byLabel = new Map(records.map(({ version, digest }) => [version, digest]));
    const family = records.map(({ digest }) => digest).toReversed();
    for (const { digest, lineage } of records) {
      join(digest, family);
      const parent = byLabel.get(lineage.parent ?? '');
      if (parent !== undefined) parents.set(digest, parent);
    }
  }
  const paths = new Map<string, string[]>();
  for (const { subject, to, from } of (await loadRepositoryLog(repository.documents)).newestFirst) {
    if (subject.path === undefined) continue;
    const family = paths.get(subject.path) ?? [];
    paths.set(subject.path, family);
    for (const digest of [to, from])
      if (digest !== undefined && !family.includes(digest)) family.push(digest);
  }
  for (const family of paths.values()) for (const digest of family) join(digest, family);
  return (digest) => {
    const parent = parents.get(digest);
    const near = (families.get(digest) ?? []).flatMap((family) => nearest(family, digest));
    const all = new Set([...(parent === undefined ? [] : [parent]), ...near]);
    all.delete(digest);
    return [...all].slice(0, MOST_RELATED);
  };
}

/** Those before and after it, the closest first. */
function nearest(family: readonly string[], digest: string): string[] {
  const at = family.indexOf(digest);
  const found: string[] = [];
  for (let distance = 1; distance <= MOST_RELATED / 2; distance += 1) {
    for (const each of [family[at + distance], family[at - distance]])
      if (each !== undefined) found.push(each);
  }
  return found;
}
