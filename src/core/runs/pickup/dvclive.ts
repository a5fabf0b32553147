import { lstat, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { UsageError } from '../../../errors.ts';
import { printable } from '../../../lib/terminal-text.ts';
import { isKey, isTime, RUN_LIMITS } from '../limits.ts';
import { pickUpMetricsFile } from './metrics-file.ts';
import { CLOCK_STEP_MS, nothing, PICKUP_LIMITS, type PickedUp, type PickupOptions } from './pickup.ts';
import { walkFiles } from './walk-files.ts';

/**
 * The folder that DVCLive writes: `plots/metrics/**.tsv` (the history of each metric, with a column `step`), `metrics.json` (the latest values of those and
 * of what has no history), `params.yaml`, and `artifacts/` and images, which are taken as artifacts.
 */
export async function pickUpDvcLive(directory: string, options: PickupOptions): Promise<PickedUp> {
  const found = nothing();
  const stats = await lstat(directory).catch(() => undefined);
  if (stats?.isDirectory() !== true) {
    found.problems.push(`${printable(directory)}: there is no such directory`);
    return found;
  }
  const histories = join(directory, 'plots/metrics');
  for (const { path, modifiedMs, size } of (await walkFiles(histories, (name) => name.endsWith('.tsv'))) ??
    []) {
    if (modifiedMs < options.since - CLOCK_STEP_MS) continue;
    const key = relative(histories, path)
      .split(sep)
      .join('/')
      .replace(/\.tsv$/, '');
    if (size > PICKUP_LIMITS.textBytes || !isKey(key)) found.problems.push(`${printable(path)}: too large`);
    else readHistory(await readFile(path, 'utf8'), { key, path, now: options.now }, found);
  }
  await addLatest(directory, options, found);
  await addParams(join(directory, 'params.yaml'), options, found);
  for (const name of ['artifacts', 'plots/images', 'plots/custom', 'plots/sklearn']) {
    const place = join(directory, name);
    if (((await walkFiles(place, () => true)) ?? []).length > 0) found.artifacts.set(name, place);
  }
  return found;
}

/** A table with a header; the step is the column `step`, the value the column of the metric, else the only other one. */
function readHistory(
  text: string,
  { key, path, now }: { key: string; path: string; now: number },
  found: PickedUp,
): void {
  const [header = '', ...rows] = text.split(/\r?\n/);
  const columns = header.split('\t');
  const stepAt = columns.indexOf('step');
  const timeAt = columns.indexOf('timestamp');
  const others = columns.flatMap((_, index) => (index === stepAt || index === timeAt ? [] : [index]));
  const named = columns.indexOf(key.slice(key.lastIndexOf('/') + 1));
  const valueAt = named !== -1 ? named : others.length === 1 ? others[0] : undefined;
  if (valueAt === undefined) {
    found.problems.push(`${printable(path)}: no column holds the values`);
    return;
  }
  for (const [index, row] of rows.entries()) {
    if (row.trim() === '') continue;
    const cells = row.split('\t');
    const value = numberOf(cells[valueAt] ?? '');
    const step = stepAt === -1 ? index : Number(cells[stepAt]);
    if (value === undefined || !Number.isSafeInteger(step)) {
      found.problems.push(`${printable(path)}:${index + 2}: no number`);
      return;
    }
    const said = timeAt === -1 ? Number.NaN : Number(cells[timeAt]);
    const time = isTime(said) ? said : now;
    found.metrics.push({ key, value, step, time });
  }
}

function numberOf(text: string): number | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'nan') return Number.NaN;
  if (word === 'inf' || word === 'infinity') return Infinity;
  if (word === '-inf' || word === '-infinity') return -Infinity;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(word) ? Number(word) : undefined;
}

/** `metrics.json` nests names with a slash; values with a history are there already. */
async function addLatest(directory: string, options: PickupOptions, found: PickedUp): Promise<void> {
  const path = join(directory, 'metrics.json');
  if ((await lstat(path).catch(() => undefined)) === undefined) return;
  const known = new Set(found.metrics.map(({ key }) => key));
  const { metrics, problems } = await pickUpMetricsFile(path, {
    ...options,
    form: { separator: '/', numbersOnly: true },
  });
  found.problems.push(...problems);
  for (const point of metrics) if (!known.has(point.key) && point.key !== 'step') found.metrics.push(point);
}

async function addParams(path: string, { since }: PickupOptions, found: PickedUp): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined || stats.mtimeMs < since - CLOCK_STEP_MS) return;
  if (!stats.isFile() || stats.size > RUN_LIMITS.documentBytes) {
    found.problems.push(`${printable(path)}: too large, or no file`);
    return;
  }
  const { parse } = await import('yaml');
  try {
    // Few aliases, so that a small file can't become a large value.
    flatten(parse(await readFile(path, 'utf8'), { maxAliasCount: 100 }) as unknown, [], found.params);
  } catch (error) {
    const [reason = 'not valid'] = (error instanceof Error ? error.message : '').split('\n');
    found.problems.push(`${printable(path)}: ${reason}`);
  }
}

/** Nested names are joined with a dot, as DVC shows them; lists are kept as JSON. */
function flatten(value: unknown, path: readonly string[], params: Map<string, string>): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)) {
    for (const [name, member] of Object.entries(value)) flatten(member, [...path, name], params);
    return;
  }
  const key = path.join('.');
  if (!isKey(key)) throw new UsageError('KEY_INVALID', 'no params with names');
  const text =
    typeof value === 'string' ? value : typeof value === 'number' ? String(value) : JSON.stringify(value);
  params.set(key, (text ?? '').slice(0, RUN_LIMITS.paramLength));
}
