import { UsageError } from '../../errors.ts';
import type { Repository } from '../repository/repository.ts';
import { listModels, loadModel } from './model-state.ts';

/**
 * A name after `@` has to mean one thing: docs/format.md section 5. The label of a deleted version counts too, since its
 * record stays.
 *
 * @param stages as typed, separated by commas; what is no stage name at all is not judged here
 * @throws UsageError `STAGE_INVALID`
 */
export async function assertStagesAreNoVersions(repository: Repository, stages: string): Promise<void> {
  const wanted = new Set(stages.split(',').map((stage) => stage.trim()));
  for (const model of await listModels(repository.documents)) {
    const { versions } = await loadModel(repository, model);
    const twin = versions.find(({ record }) => wanted.has(record.version))?.record.version;
    if (twin === undefined) continue;
    throw new UsageError('STAGE_INVALID', `"${twin}" is a version of ${model}, so it can't be a stage`, {
      hint: `choose another name for the stage; see the versions: mlops list ${model} --all`,
    });
  }
}
