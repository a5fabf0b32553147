import { UsageError } from '../../errors.ts';
import type { Run } from './run.ts';
import type { RunStore } from './run-store.ts';

/** The run that somebody named, else that of the environment. @throws UsageError `NO_RUN`; as `RunStore.resolve` */
export async function namedRun(
  store: RunStore,
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Run> {
  const id = named ?? env['MLOPS_RUN_ID'];
  if (id === undefined || id === '') {
    throw new UsageError('NO_RUN', 'no run is named, and MLOPS_RUN_ID is not set', {
      hint: 'log from within a command that `mlops run` started, or name the run with --run <id>',
    });
  }
  return store.resolve(id);
}
