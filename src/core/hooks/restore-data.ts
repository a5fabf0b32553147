import { InterruptedError, MlopsError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import { checkout } from '../data/checkout.ts';
import type { Repository } from '../repository/repository.ts';
import { NOTHING_TO_DO, type HookOutcome } from './problem.ts';

const LISTED = 3;

/**
 * Brings tracked data to the state that the commit calls for that was just checked out or merged. Git's command is done when this
 * runs, so nothing is an error: what could not be restored is a warning.
 *
 * @throws InterruptedError
 */
export async function restoreData(
  repository: Repository,
  { signal }: { signal: AbortSignal },
): Promise<HookOutcome> {
  // While commits are applied one by one, data would go back and forth, and no hook runs at the end.
  if (await (await repository.git()).isRebasing()) return NOTHING_TO_DO;
  const fetch = repository.config.hooks.fetch && (await mayFetch(repository));
  const results = await checkout(repository, { cachedOnly: !fetch, signal });
  const restored = results.filter(({ outcome }) => outcome === 'restored').map(({ path }) => path);
  const failed = results.filter((result) => result.outcome === 'failed');
  const missing = failed.filter(({ problem }) => problem.code === 'OBJECT_MISSING').map(({ path }) => path);
  const warnings: string[] = [];
  if (missing.length > 0) warnings.push(`${list(missing)} not in this clone yet; to restore: mlops pull`);
  for (const { path, problem } of failed) {
    if (problem.code === 'OBJECT_MISSING') continue;
    const hint = problem.hint === undefined ? '' : `; ${problem.hint}`;
    warnings.push(`${path} was left as it is: ${problem.message}${hint}`);
  }
  return { problems: [], warnings, done: restored.length === 0 ? undefined : `restored ${list(restored)}` };
}

/** A remote that only a stranger's configuration names is not asked behind anybody's back. */
async function mayFetch(repository: Repository): Promise<boolean> {
  try {
    return (await repository.remote()).trusted;
  } catch (error) {
    if (!(error instanceof MlopsError) || error instanceof InterruptedError) throw error;
    return false;
  }
}

function list(paths: readonly string[]): string {
  const names = paths.slice(0, LISTED).map(printable).join(', ');
  return paths.length > LISTED ? `${names} and ${paths.length - LISTED} more` : names;
}
