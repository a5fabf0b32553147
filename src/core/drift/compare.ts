import type { ExactBudget } from './checks/numeric.ts';
import { checkColumns, checkRows } from './check-input.ts';
import { compareColumn, uncomparedColumn } from './compare-column.ts';
import type { ComparedColumn } from './compared.ts';
import { buildReport } from './build-report.ts';
import type { DriftPolicy } from './policy/policy.ts';
import { type Candidate, candidateOf, findRenames, MOST_CANDIDATES } from './renames.ts';
import type { DriftReport } from './report.ts';
import { type ChosenColumn, type ColumnChoice, selectColumns } from './selection.ts';
import type { Side } from './side.ts';
import type { ColumnSummary, PinnedColumn } from './summary.ts';

export interface CompareOptions extends ColumnChoice {
  readonly policy: DriftPolicy;
  readonly signal?: AbortSignal | undefined;
  /** Called after each column: how many are done, and of how many. */
  readonly progress?: ((done: number, total: number) => void) | undefined;
}

/** Cells of exact Kolmogorov-Smirnov tests in one run: about a second. */
const EXACT_CELLS = 5e8;

/**
 * Compares two sides, one column of each at a time: whatever the number of rows, no more is held in memory.
 *
 * @throws UsageError for names of columns that neither side has, sides without a common column or without rows, and malformed files
 */
export async function compareSides(
  reference: Side,
  current: Side,
  options: CompareOptions,
): Promise<DriftReport> {
  const { policy, signal } = options;
  checkColumns(reference, current, options);
  const chosen = selectColumns(reference, current, options);
  const plans = planOf(chosen);
  signal?.throwIfAborted();
  // Both are read at once; what is wrong with the reference is said first, whichever is done first.
  const currentRead = current.read(plans.current);
  currentRead.catch(() => undefined);
  const before = await reference.read(plans.reference);
  checkRows(reference);
  signal?.throwIfAborted();
  const after = await currentRead;
  checkRows(current);
  const reading = { before: readAhead(before), after: readAhead(after) };
  try {
    const compared = await compareAll(chosen, plans, reading, options);
    return buildReport({ reference, current, policy, ...compared });
  } finally {
    await Promise.all([reading.before.return(undefined), reading.after.return(undefined)]);
  }
}

interface Plans {
  readonly reference: readonly PinnedColumn[];
  readonly current: readonly PinnedColumn[];
  /** In the order in which they are read: those of both sides, then those of one. */
  readonly both: readonly ChosenColumn[];
  readonly missing: readonly ChosenColumn[];
  readonly added: readonly ChosenColumn[];
}

function planOf(chosen: readonly ChosenColumn[]): Plans {
  const both = chosen.filter(({ read }) => read.reference && read.current);
  const missing = chosen.filter(({ read }) => read.reference && !read.current);
  const dropped = missing.filter(({ current }) => current === null);
  // Added columns are read only to find out whether one of them is a missing one under another name.
  const added =
    dropped.length === 0
      ? []
      : chosen
          .filter(({ reference, pinned }) => reference === null && pinned !== null)
          .slice(0, MOST_CANDIDATES);
  return {
    both,
    missing,
    added,
    reference: [...both, ...missing].flatMap(({ pinned }) => (pinned === null ? [] : [pinned])),
    current: [...both, ...added].flatMap(({ pinned }) => (pinned === null ? [] : [pinned])),
  };
}

interface Reading {
  before: AsyncGenerator<ColumnSummary>;
  after: AsyncGenerator<ColumnSummary>;
}

/** Asks for each column while the one before is compared, so that the threads that read sort it meanwhile. */
async function* readAhead(columns: AsyncIterable<ColumnSummary>): AsyncGenerator<ColumnSummary> {
  const source = columns[Symbol.asyncIterator]();
  let next = source.next();
  try {
    for (let result = await next; result.done !== true; result = await next) {
      next = source.next();
      // It is thrown when its turn comes.
      next.catch(() => undefined);
      yield result.value;
    }
  } finally {
    await next.catch(() => undefined);
    await source.return?.();
  }
}

interface AllCompared {
  readonly columns: readonly ComparedColumn[];
  readonly renamed: DriftReport['schema']['renamed'];
}

async function compareAll(
  chosen: readonly ChosenColumn[],
  { both, missing, added }: Plans,
  reading: Reading,
  { policy, signal, progress }: CompareOptions,
): Promise<AllCompared> {
  const budget: ExactBudget = { cells: EXACT_CELLS };
  const rule = { kind: policy.kind, alpha: policy.alpha.value, budget };
  const compared = new Map<string, ComparedColumn>();
  const total = both.length + missing.length + added.length;
  let done = 0;
  const step = (): void => {
    done += 1;
    progress?.(done, total);
    signal?.throwIfAborted();
  };
  for (const column of both) {
    const [before, after] = await Promise.all([
      nextOf(reading.before, column),
      nextOf(reading.after, column),
    ]);
    compared.set(column.name, compareColumn(column, { reference: before, current: after }, rule));
    step();
  }
  const gone: Candidate[] = [];
  for (const column of missing) {
    const summary = await nextOf(reading.before, column);
    compared.set(column.name, uncomparedColumn(column, { reference: summary }));
    if (column.current === null && gone.length < MOST_CANDIDATES) gone.push(candidateOf(summary));
    step();
  }
  const come: Candidate[] = [];
  for (const column of added) {
    const summary = await nextOf(reading.after, column);
    compared.set(column.name, uncomparedColumn(column, { current: summary }));
    come.push(candidateOf(summary));
    step();
  }
  const columns = chosen.map((column) => compared.get(column.name) ?? uncomparedColumn(column));
  return { columns, renamed: findRenames(gone, come) };
}

async function nextOf(
  iterator: AsyncIterator<ColumnSummary>,
  { name }: ChosenColumn,
): Promise<ColumnSummary> {
  const next = await iterator.next();
  if (next.done === true) throw new Error(`a side ended before its column ${JSON.stringify(name)}`);
  if (next.value.name !== name) {
    throw new Error(`a side read ${JSON.stringify(next.value.name)} in the place of ${JSON.stringify(name)}`);
  }
  return next.value;
}
