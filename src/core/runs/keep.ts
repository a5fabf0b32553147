import { RefusedError, UsageError } from '../../errors.ts';
import { assertWritable } from '../repository/format.ts';
import { gitPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { findSecrets } from '../repository/secrets.ts';
import { shown } from './limits.ts';
import type { Run } from './run.ts';
import { hasEnded } from './run-state.ts';
import type { RunStore } from './run-store.ts';

export interface KeptRuns {
  readonly runs: readonly Run[];
  /** Paths below the Git root, in Git's index now. */
  readonly written: readonly string[];
}

/** Only these: logs and captured output stay in this clone. */
const KEPT_FILES = ['run.json', 'metrics.jsonl'];

/**
 * Adds runs to Git's index: each with everything in its document, and the history of its metrics.
 *
 * @throws UsageError `RUN_NOT_ENDED`, `RUN_DELETED`; RefusedError `SECRET_FOUND`; before anything is added
 */
export async function keepRuns(
  repository: Repository,
  store: RunStore,
  named: readonly string[],
): Promise<KeptRuns> {
  assertWritable(repository.unknownFeatures);
  const files = await repository.runFiles();
  const runs: Run[] = [];
  for (const each of named) runs.push(await store.resolve(each));
  for (const run of runs) assertKeepable(run);
  const written: string[] = [];
  for (const { id, name } of runs) {
    await store.snapshot(id);
    const place = files.find(id);
    if (place === undefined) continue;
    const text = Buffer.from(files.read(place, 'run.json') ?? []).toString('utf8');
    const { allowedSecrets } = repository.config.hooks;
    const secret = findSecrets(text).find(({ fingerprint }) => !allowedSecrets.includes(fingerprint));
    if (secret !== undefined) {
      throw new RefusedError(
        'SECRET_FOUND',
        `run.json of ${shown(name)}, line ${secret.line}, holds what looks like ${secret.kind}; nothing was added`,
        {
          hint: `if it is no secret: mlops config set hooks.allowedSecrets ${[...allowedSecrets, secret.fingerprint].join(',')}`,
        },
      );
    }
    for (const file of KEPT_FILES)
      if (files.state(place, file) !== undefined)
        written.push(gitPath(`runs/${place.month}/${place.name}/${file}`));
  }
  await (await repository.git()).stageIgnored(written);
  return { runs, written };
}

function assertKeepable({ id, name, status, lifecycle }: Run): void {
  if (lifecycle === 'deleted') {
    throw new UsageError('RUN_DELETED', `the run ${shown(name)} was deleted`, {
      hint: `restore it first: mlops runs restore ${id.slice(0, 12)}`,
    });
  }
  if (hasEnded(status)) return;
  throw new UsageError('RUN_NOT_ENDED', `the run ${shown(name)} has not ended (${status})`, {
    hint: 'keep it when it is done',
  });
}
