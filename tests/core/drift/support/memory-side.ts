import type { Side, SideColumn, SideFacts } from '../../../../src/core/drift/side.ts';
import { type ColumnSummary, type PinnedColumn, summarise } from '../../../../src/core/drift/summary.ts';
import type {
  CategoricalColumn,
  CharacterShares,
  ColumnData,
  ColumnType,
  NumericColumn,
  TextColumn,
} from '../../../../src/storage/tables/table.ts';

/** A cell as a file would have it; strings are read as numbers and dates where a column is pinned so. */
export type Cell = number | string | boolean | Date | null;

export interface MemoryColumn {
  readonly name: string;
  readonly cells: readonly Cell[];
  /** What the column would be taken for; told from the cells where it is left out. */
  readonly type?: ColumnType;
  readonly declared?: ColumnType;
  readonly integers?: boolean;
  readonly skipped?: string;
}

export interface MemorySideOptions {
  readonly name?: string;
  readonly kind?: Side['kind'];
  readonly facts?: Partial<SideFacts>;
  /** Called when the summary of a column was asked for. */
  readonly onRead?: (column: string) => void;
  /** The rows are a sample that does not tell which of them were neighbours. */
  readonly withoutOrder?: boolean;
  /** Most levels that a column's counts may have, the rarest pooled. */
  readonly levels?: number;
}

/** A side whose columns are in memory, read as a table reads them: by the pinned type, with unparsable cells counted. */
export function memorySide(columns: readonly MemoryColumn[], options: MemorySideOptions = {}): Side {
  const rows = Math.max(0, ...columns.map(({ cells }) => cells.length));
  const facts: SideFacts = { rows, duplicates: null, notes: [], ...options.facts };
  return {
    name: options.name ?? 'memory.csv',
    kind: options.kind ?? 'table',
    columns: columns.map(sideColumn),
    facts: () => facts,
    read: async (plan) => readAll(columns, plan, options),
  };
}

/** One column of a name and its cells. */
export function column(name: string, cells: Iterable<Cell>, rest: Partial<MemoryColumn> = {}): MemoryColumn {
  return { name, cells: [...cells], ...rest };
}

function sideColumn({ name, cells, type, declared, integers, skipped }: MemoryColumn): SideColumn {
  const found = type ?? typeOf(cells);
  const inferred =
    found === null
      ? null
      : { name, type: found, reason: 'as the test says', ...(integers === undefined ? {} : { integers }) };
  return { name, inferred, declared, skipped };
}

function typeOf(cells: readonly Cell[]): ColumnType | null {
  const present = cells.filter((cell) => cell !== null);
  if (present.length === 0) return null;
  if (present.every((cell) => typeof cell === 'number')) return 'numeric';
  if (present.every((cell) => typeof cell === 'boolean')) return 'boolean';
  if (present.every((cell) => cell instanceof Date)) return 'datetime';
  return 'categorical';
}

async function* readAll(
  columns: readonly MemoryColumn[],
  plan: readonly PinnedColumn[],
  options: MemorySideOptions,
): AsyncGenerator<ColumnSummary> {
  for (const pinned of plan) {
    const found = columns.find(({ name }) => name === pinned.name);
    if (found === undefined || found.skipped !== undefined)
      throw new Error(`not a column to read: ${pinned.name}`);
    options.onRead?.(pinned.name);
    yield summarise(readColumn(found, pinned, options));
  }
}

function readColumn(
  { name, cells }: MemoryColumn,
  { type, integers }: PinnedColumn,
  { withoutOrder = false, levels = Infinity }: MemorySideOptions,
): ColumnData {
  const present = cells.filter((cell) => cell !== null);
  const base = { name, rows: cells.length, nulls: cells.length - present.length };
  switch (type) {
    case 'numeric':
    case 'datetime':
      return unordered(numericColumn(base, present, type), withoutOrder);
    case 'categorical':
    case 'boolean':
      return categoricalColumn(base, present, { type, integers, levels });
    case 'text':
      return { ...textColumn(base, present), sampled: withoutOrder };
  }
}

interface Base {
  name: string;
  rows: number;
  nulls: number;
}

function unordered(numbers: NumericColumn, withoutOrder: boolean): NumericColumn {
  return withoutOrder ? { ...numbers, sampled: true, consecutive: new Float64Array(0) } : numbers;
}

function numericColumn(base: Base, present: readonly Cell[], type: 'numeric' | 'datetime'): NumericColumn {
  const read = present.map((cell) => ({ cell, value: type === 'numeric' ? numberOf(cell) : timeOf(cell) }));
  const bad = read.filter(({ value }) => value === undefined);
  const numbers = read.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const values = Float64Array.from(numbers.filter(Number.isFinite));
  return {
    ...base,
    type,
    unparsable: bad.length,
    unparsableExamples: bad.slice(0, 3).map(({ cell }) => String(cell).slice(0, 40)),
    values,
    consecutive: values,
    sampled: false,
    finite: values.length,
    nan: numbers.filter(Number.isNaN).length,
    positiveInfinite: numbers.filter((value) => value === Infinity).length,
    negativeInfinite: numbers.filter((value) => value === -Infinity).length,
    min: values.length === 0 ? undefined : values.reduce((x, y) => Math.min(x, y)),
    max: values.length === 0 ? undefined : values.reduce((x, y) => Math.max(x, y)),
    top: topOf(values),
  };
}

function topOf(values: Float64Array): NumericColumn['top'] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const best = [...counts].toSorted(([v, x], [w, y]) => y - x || v - w)[0];
  return best && { value: best[0], count: best[1], exact: true };
}

function numberOf(cell: Cell): number | undefined {
  if (typeof cell === 'number') return cell;
  if (typeof cell !== 'string') return undefined;
  if (/^[+-]?inf$/i.test(cell)) return cell.startsWith('-') ? -Infinity : Infinity;
  const value = Number(cell);
  return cell.trim() === '' || Number.isNaN(value) ? undefined : value;
}

function timeOf(cell: Cell): number | undefined {
  if (cell instanceof Date) return cell.getTime();
  if (typeof cell !== 'string' || !/^\d{4}-\d{2}-\d{2}/.test(cell)) return undefined;
  const time = Date.parse(cell);
  return Number.isNaN(time) ? undefined : time;
}

interface LevelOptions {
  type: 'categorical' | 'boolean';
  integers: boolean | undefined;
  levels: number;
}

function categoricalColumn(
  base: Base,
  present: readonly Cell[],
  { type, integers, levels }: LevelOptions,
): CategoricalColumn {
  const counts = new Map<string, number>();
  const bad: string[] = [];
  for (const cell of present) {
    const level = type === 'boolean' ? booleanOf(cell) : levelOf(cell, integers === true);
    if (level === undefined) bad.push(String(cell).slice(0, 40));
    else counts.set(level, (counts.get(level) ?? 0) + 1);
  }
  const ranked = [...counts].toSorted(([, x], [, y]) => y - x);
  const rare = ranked.slice(levels);
  return {
    ...base,
    type,
    unparsable: bad.length,
    unparsableExamples: bad.slice(0, 3),
    counts: rare.length === 0 ? counts : new Map(ranked.slice(0, levels)),
    distinct: counts.size,
    distinctExact: true,
    pooled: { levels: rare.length, rows: rare.reduce((sum, [, count]) => sum + count, 0) },
  };
}

function booleanOf(cell: Cell): string | undefined {
  const word = String(cell).toLowerCase();
  if (['true', '1', 'yes', 't', 'y'].includes(word)) return 'true';
  return ['false', '0', 'no', 'f', 'n'].includes(word) ? 'false' : undefined;
}

function levelOf(cell: Cell, integers: boolean): string {
  const text = cell instanceof Date ? cell.toISOString() : String(cell);
  return integers ? text.replace(/\.0+$/, '') : text;
}

function textColumn(base: Base, present: readonly Cell[]): TextColumn {
  const texts = present.map((cell) => String(cell));
  return {
    ...base,
    type: 'text',
    unparsable: 0,
    unparsableExamples: [],
    lengths: Float64Array.from(texts, (text) => Array.from(text).length),
    sampled: false,
    classShares: classShares(texts.join('')),
    distinct: new Set(texts).size,
    distinctExact: true,
    emptyStrings: texts.filter((text) => text === '').length,
  };
}

function classShares(text: string): CharacterShares {
  const counts = { letter: 0, digit: 0, space: 0, punctuation: 0, other: 0 };
  const characters = Array.from(text);
  for (const character of characters) {
    if (/\p{L}/u.test(character)) counts.letter += 1;
    else if (/\p{Nd}/u.test(character)) counts.digit += 1;
    else if (/\s/u.test(character)) counts.space += 1;
    else if (/\p{P}/u.test(character)) counts.punctuation += 1;
    else counts.other += 1;
  }
  const share = (count: number): number => (characters.length === 0 ? 0 : count / characters.length);
  return {
    letter: share(counts.letter),
    digit: share(counts.digit),
    space: share(counts.space),
    punctuation: share(counts.punctuation),
    other: share(counts.other),
  };
}
