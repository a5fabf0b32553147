import { UsageError } from '../../errors.ts';
import type { NeededArtifact } from '../repository/needed-artifacts.ts';
import type { Repository } from '../repository/repository.ts';
import { isLoggedModelId, isRunId } from './limits.ts';
import { Shapes } from './metric-table.ts';
import { readModel } from './model-document.ts';
import { RunEntry } from './run-entry.ts';

/**
 * What the runs and logged models of the work tree need: the artifacts of each, deleted or not, as its document and its log say now.
 * Strict: what can't be read may need anything.
 *
 * @throws MlopsError for a run that can't be read
 */
export async function runNeeds(repository: Repository): Promise<NeededArtifact[]> {
  const files = await repository.runFiles();
  // Whoever looks for what is needed changes nothing.
  const parts = { files, shapes: new Shapes(), now: () => repository.now().getTime(), canWrite: false };
  const needs: NeededArtifact[] = [];
  for (const month of files.months()) {
    for (const name of files.names(month)) {
      const place = { month, name };
      if (isLoggedModelId(name)) {
        const model = readModel(files, place);
        for (const { digest } of model?.artifacts ?? []) needs.push({ digest, kind: 'run', name });
      } else if (isRunId(name)) {
        const entry = RunEntry.read(place, parts);
        if (entry === undefined) assertEmpty(files.files(place), name);
        else if (entry.refresh({ metrics: false }))
          for (const { digest } of entry.state.artifacts) needs.push({ digest, kind: 'run', name });
      }
    }
  }
  return needs;
}

/** A directory without a document, but with a log, may need anything. */
function assertEmpty(names: readonly string[], id: string): void {
  if (!names.includes('log.jsonl')) return;
  throw new UsageError(
    'RUN_DAMAGED',
    `the run ${id} has a log but no run.json, so nobody can tell what it needs`,
    {
      hint: 'restore run.json, or remove the directory of the run',
    },
  );
}
