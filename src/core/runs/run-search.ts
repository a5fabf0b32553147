import { compareItems, itemFilter, type QueryItem } from './query-items.ts';
import { page } from './paging.ts';
import type { ExperimentDocuments } from './experiments.ts';
import type { RunEntries } from './run-entries.ts';
import type { RunEntry } from './run-entry.ts';
import type { RunPage, SearchRequest } from './run-store.ts';
import { lifecycleOf, queryItemOf, RUN_QUERY, viewOf, type KnownExperiments } from './run-view.ts';

interface Found {
  entry: RunEntry;
  item: QueryItem;
}

/** See `RunStore.search`. */
export async function searchRuns(
  { entries, experiments }: { entries: RunEntries; experiments: ExperimentDocuments },
  request: SearchRequest,
): Promise<RunPage> {
  const { experimentIds, filter, orderBy, view = 'active', maxResults, pageToken } = request;
  const matches = itemFilter(filter, RUN_QUERY);
  const compare = compareItems(orderBy, RUN_QUERY);
  const [all, known] = await Promise.all([entries.all(), experiments.documents()]);
  const wanted = experimentIds === undefined ? undefined : new Set(experimentIds);
  const found: Found[] = [];
  for (const entry of all.entries) {
    if (!isWanted(entry, { wanted, view, known })) continue;
    const item = queryItemOf(entry, known);
    if (matches(item)) found.push({ entry, item });
  }
  // Stable sorts: the second order decides what the first leaves open.
  found.sort((first, second) => newestFirst(first.entry, second.entry));
  if (orderBy !== undefined) found.sort((first, second) => compare(first.item, second.item));
  const search = ['runs', wanted === undefined ? null : [...wanted].toSorted(), filter, orderBy, view];
  const { items, nextPageToken } = page(found, { maxResults, pageToken, search });
  return {
    runs: items.map(({ entry }) => viewOf(entry.state, entry.metrics, known)),
    total: found.length,
    nextPageToken,
    problems: all.problems,
  };
}

function isWanted(
  { outline }: RunEntry,
  {
    wanted,
    view,
    known,
  }: {
    wanted: ReadonlySet<string> | undefined;
    view: NonNullable<SearchRequest['view']>;
    known: KnownExperiments;
  },
): boolean {
  if (wanted !== undefined && !wanted.has(outline.experimentId)) return false;
  return view === 'all' || lifecycleOf(outline, known) === view;
}

function newestFirst(first: RunEntry, second: RunEntry): number {
  return second.outline.startedAt - first.outline.startedAt || (first.id < second.id ? -1 : 1);
}
