import { gitPath, REPOSITORY_EVENTS_DIRECTORY } from '../repository/layout.ts';
import type { MlopsError } from '../../errors.ts';
import { loadRepositoryLog, type RepositoryEvent } from '../audit/index.ts';
import type { Repository } from '../repository/repository.ts';
import { isWithin } from './place.ts';
import { isDataEvent } from './trail.ts';

export interface DataHistory {
  /** Newest first. */
  events: readonly RepositoryEvent[];
  /** Event files that can't be trusted; what they said is missing. */
  problems: readonly { path: string; error: MlopsError }[];
}

/**
 * Who tracked what, when, and what it held then.
 * @param path relative to the Git root: only events of this path and of those below it; empty means all
 */
export async function dataHistory({ documents }: Repository, path: string): Promise<DataHistory> {
  const log = await loadRepositoryLog(documents);
  return {
    events: log.newestFirst.filter(
      (event) => isDataEvent(event) && event.subject.path !== undefined && isWithin(event.subject.path, path),
    ),
    problems: log.damaged.map(({ name, error }) => ({
      path: gitPath(`${REPOSITORY_EVENTS_DIRECTORY}/${name}`),
      error,
    })),
  };
}
