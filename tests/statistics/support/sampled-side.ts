import type { Side } from '../../../src/core/drift/side.ts';
import { summarise } from '../../../src/core/drift/summary.ts';
import type { CategoricalColumn, ColumnData, NumericColumn } from '../../../src/storage/tables/table.ts';

/** A side of columns as the reading of a table hands them out; from here on all is the program's own code. */
export function sampledSide(columns: readonly ColumnData[], duplicates = 0): Side {
  const rows = Math.max(0, ...columns.map((column) => column.rows));
  return {
    name: 'simulated',
    kind: 'table',
    columns: columns.map(({ name, type }) => ({
      name,
      inferred: { name, type, reason: 'as it was drawn' },
      declared: undefined,
      skipped: undefined,
    })),
    facts: () => ({
      rows,
      duplicates: { rows: duplicates, share: duplicates / rows, exact: true },
      notes: [],
    }),
    read: async (plan) => {
      const byName = new Map(columns.map((column) => [column.name, column]));
      return (async function* () {
        for (const { name } of plan) {
          const column = byName.get(name);
          if (column === undefined) throw new Error(`no column ${name} was drawn`);
          yield summarise(column);
        }
      })();
    },
  };
}

export function numeric(name: string, values: Float64Array, nulls = 0): NumericColumn {
  return {
    ...cells(name, values.length + nulls, nulls),
    type: 'numeric',
    values,
    consecutive: values,
    sampled: false,
    finite: values.length,
    nan: 0,
    positiveInfinite: 0,
    negativeInfinite: 0,
    // Found on the way, as all values are here.
    min: undefined,
    max: undefined,
    top: undefined,
  };
}

export function categorical(name: string, counts: ArrayLike<number>, nulls = 0): CategoricalColumn {
  const present = new Map(
    Array.from(counts, (count, level): [string, number] => [`level ${level}`, count]).filter(
      ([, count]) => count > 0,
    ),
  );
  return labelled(name, present, nulls);
}

export function labelled(name: string, counts: Map<string, number>, nulls = 0): CategoricalColumn {
  let rows = nulls;
  for (const count of counts.values()) rows += count;
  return {
    ...cells(name, rows, nulls),
    type: 'categorical',
    counts,
    distinct: counts.size,
    distinctExact: true,
    pooled: { levels: 0, rows: 0 },
  };
}

function cells(name: string, rows: number, nulls: number) {
  return { name, rows, nulls, unparsable: 0, unparsableExamples: [] };
}
