import { ksDistance } from '../../../src/core/drift/statistics/ks.ts';
import type { Source } from './random.ts';
import type { RealColumn, RealTable } from './real-data.ts';

/** A table of which something was broken on purpose. */
export interface Corrupted {
  readonly table: RealTable;
  /** The columns that were changed: an alarm should name them, and the first should be one of them. */
  readonly changed: readonly string[];
}

export interface Corruption {
  readonly name: string;
  /** undefined where the table has no column that can be broken so. */
  readonly apply: (table: RealTable, source: Source) => Corrupted | undefined;
}

type Numeric = Extract<RealColumn, { type: 'numeric' }>;
type Categorical = Extract<RealColumn, { type: 'categorical' }>;

const isNumeric = (column: RealColumn): column is Numeric => column.type === 'numeric';
const isCategorical = (column: RealColumn): column is Categorical => column.type === 'categorical';

function replaced(table: RealTable, ...columns: readonly RealColumn[]): Corrupted {
  const byName = new Map(columns.map((column) => [column.name, column]));
  return {
    table: { ...table, columns: table.columns.map((column) => byName.get(column.name) ?? column) },
    changed: columns.map(({ name }) => name),
  };
}

function oneOf<Item>(items: readonly Item[], source: Source): Item | undefined {
  return items[source.whole(items.length)];
}

/** A fifth of the rows, one after the other, has no value any more. */
const nullBurst: Corruption = {
  name: 'null burst (20 % of the rows)',
  apply: (table, source) => {
    const column = oneOf(table.columns, source);
    if (column === undefined) return undefined;
    const length = Math.round(0.2 * table.rows);
    const from = source.whole(table.rows - length);
    const isLost = (row: number): boolean => row >= from && row < from + length;
    return replaced(
      table,
      isNumeric(column)
        ? { ...column, values: column.values.map((value, row) => (isLost(row) ? NaN : value)) }
        : { ...column, values: column.values.map((value, row) => (isLost(row) ? null : value)) },
    );
  },
};

/** A default takes the place of a fifth of the values. */
const constantFill: Corruption = {
  name: 'constant fill (20 % of the rows are 0)',
  apply: (table, source) => {
    // Columns of which 0 is a usual value do not change by it.
    const columns = table.columns.filter(isNumeric).filter(({ values }) => shareOf(values, 0) < 0.05);
    const column = oneOf(columns, source);
    if (column === undefined) return undefined;
    return replaced(table, {
      ...column,
      values: column.values.map((value) => (source.next() < 0.2 ? 0 : value)),
    });
  },
};

function unitError(share: number): Corruption {
  return {
    name: share === 1 ? 'unit x 1000 (all rows)' : `unit x 1000 (${100 * share} % of the rows)`,
    apply: (table, source) => {
      const column = oneOf(
        table.columns.filter(isNumeric).filter(({ values }) => shareOf(values, 0) < 0.5),
        source,
      );
      if (column === undefined) return undefined;
      return replaced(table, {
        ...column,
        values: column.values.map((value) => (source.next() < share ? 1000 * value : value)),
      });
    },
  };
}

/** A category of at least a tenth of the rows has another name. */
const renamedCategory: Corruption = {
  name: 'renamed category (of 10 % of the rows or more)',
  apply: (table, source) => {
    const candidates = table.columns
      .filter(isCategorical)
      .flatMap((column) =>
        [...countsOf(column.values)].flatMap(([level, count]) =>
          count >= 0.1 * column.values.length ? [{ column, level }] : [],
        ),
      );
    const chosen = oneOf(candidates, source);
    if (chosen === undefined) return undefined;
    const { column, level } = chosen;
    return replaced(table, {
      ...column,
      values: column.values.map((value) => (value === level ? `${level} (new)` : value)),
    });
  },
};

/** The values of two numeric columns change places; of columns with the same values nobody could tell. */
const swappedColumns: Corruption = {
  name: 'two columns swapped (D of 0.3 or more between them)',
  apply: (table, source) => {
    const numbers = table.columns.filter(isNumeric);
    const pairs = numbers.flatMap((first, index) =>
      numbers
        .slice(index + 1)
        .flatMap((second) => (distance(first, second) >= 0.3 ? [{ first, second }] : [])),
    );
    const pair = oneOf(pairs, source);
    if (pair === undefined) return undefined;
    const { first, second } = pair;
    return replaced(table, { ...first, values: second.values }, { ...second, values: first.values });
  },
};

export const CORRUPTIONS: readonly Corruption[] = [
  nullBurst,
  constantFill,
  unitError(1),
  unitError(0.05),
  renamedCategory,
  swappedColumns,
];

function shareOf(values: Float64Array, wanted: number): number {
  return values.filter((value) => value === wanted).length / values.length;
}

function countsOf(values: readonly (string | null)[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function distance(first: Numeric, second: Numeric): number {
  const sorted = ({ values }: Numeric): Float64Array =>
    values.filter((value) => !Number.isNaN(value)).toSorted();
  return ksDistance(sorted(first), sorted(second)).d;
}
