import type { RunFiles, RunPlace } from '../../storage/run-files.ts';
import { decodeMetric } from './metric-lines.ts';
import { pageTokenOf, readPageToken } from './paging.ts';
import { readLines } from './read-lines.ts';
import type { MetricPoint } from './run.ts';
import type { HistoryPage, HistoryRequest } from './run-store.ts';

const FILE = 'metrics.jsonl';

/** See `RunStore.history`. Lines of other metrics are passed over without being parsed. */
export function readHistory(files: RunFiles, place: RunPlace, request: HistoryRequest): HistoryPage {
  const { key, maxResults = Infinity, pageToken } = request;
  const search = ['history', place.name, key];
  const points: MetricPoint[] = [];
  // A name that other writers may spell with escapes can't be looked for in the text.
  const quoted = /^[ !#-[\]-~]*$/.test(key) ? `"${key}"` : '"key"';
  const offset = pageToken === undefined ? 0 : readPageToken(pageToken, search);
  // The token is the place of a line: how many lines of the file were read to get here.
  let line = 0;
  let next: number | undefined;
  readLines({ files, place, file: FILE, offset: 0 }, (text) => {
    line += 1;
    if (line <= offset || !text.includes(quoted)) return true;
    const point = decodeMetric(text);
    if (point?.key !== key) return true;
    if (points.length === maxResults) {
      next = line - 1;
      return false;
    }
    points.push(point);
    return true;
  });
  return { points, nextPageToken: next === undefined ? undefined : pageTokenOf(next, search) };
}

/** See `RunStore.histories`. */
export function readHistories(
  files: RunFiles,
  place: RunPlace,
  keys: readonly string[],
): ReadonlyMap<string, readonly MetricPoint[]> {
  const found = new Map<string, MetricPoint[]>(keys.map((key) => [key, []]));
  if (keys.length === 0) return found;
  readLines({ files, place, file: FILE, offset: 0 }, (line) => {
    const point = decodeMetric(line);
    if (point !== undefined) found.get(point.key)?.push(point);
  });
  return found;
}
