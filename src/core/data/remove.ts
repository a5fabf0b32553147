import { loadRepositoryLog } from '../audit/index.ts';
import { repositoryEventPath } from '../audit/repository-event.ts';
import { commitSection } from '../registry/commit-section.ts';
import { assertWritable } from '../repository/format.ts';
import { gitPath, pointerPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { ignoreFileOf, ignoreRuleOf, withoutRule } from './ignore-file.ts';
import { notTracked } from './place.ts';
import { loadPointers } from './pointers.ts';
import { dataTips } from './trail.ts';

export interface RemovedData {
  path: string;
  /** What the pointer named; undefined when it could not be read. */
  digest: string | undefined;
  event: string;
  /** Paths below the Git root to hand to Git; those that are gone among them only if Git knows them. */
  written: readonly string[];
}

/**
 * Stops tracking a path: event, pointer, the rule for Git. What lies at the path stays, and so do the objects until gc.
 *
 * @param path relative to the Git root
 * @throws UsageError `PATH_NOT_TRACKED`; and whatever `commitSection` throws
 */
export async function removeData(
  repository: Repository,
  { path, reason }: { path: string; reason?: string | undefined },
): Promise<RemovedData> {
  assertWritable(repository.unknownFeatures);
  const { pointers, problems } = await loadPointers(repository.documents);
  const pointer = pointers.find((each) => each.path === path);
  if (pointer === undefined && !problems.some((each) => each.path === path)) {
    const names = [...pointers, ...problems].map((each) => each.path);
    throw notTracked(path, pointers, names);
  }
  const digest = pointer?.digest;
  const place = pointerPath(path);
  const { result, written } = await commitSection(repository, `data remove ${path}`, async (section) => {
    const log = await loadRepositoryLog(repository.documents);
    const tips = dataTips(log, path);
    const [tip] = tips;
    // An interrupted command may have written it.
    const known = tips.length === 1 && tip?.type === 'untracked' ? tip : undefined;
    if (known !== undefined) section.adopt(repositoryEventPath(known, known.id));
    const event = {
      type: 'untracked',
      subject: { path },
      ...(digest === undefined ? {} : { from: digest }),
      ...(reason === undefined ? {} : { reason }),
    };
    const { id } = known ?? (await section.appendRepositoryEvent(event, log.heads));
    await section.remove(place);
    return { event: id, rules: await removeRule(repository, path) };
  });
  const git = await repository.git();
  const gone: string[] = [];
  for (const file of [gitPath(place), ...(result.rules === 'removed' ? [ignoreFileOf(path)] : [])]) {
    if ((await git.listIndex(file)).length > 0) gone.push(file);
  }
  const changed = result.rules === 'changed' ? [ignoreFileOf(path)] : [];
  return { path, digest, event: result.event, written: [...written, ...gone, ...changed] };
}

async function removeRule({ workTree }: Repository, path: string): Promise<'none' | 'changed' | 'removed'> {
  const file = ignoreFileOf(path);
  const left = withoutRule(await workTree.read(file), ignoreRuleOf(path));
  if (left === undefined) return 'none';
  if (left.length > 0) {
    await workTree.write(file, left);
    return 'changed';
  }
  await workTree.remove(file);
  return 'removed';
}
