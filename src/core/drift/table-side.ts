import type { ReadOptions, Table, TableData } from '../../storage/tables/table.ts';
import { declaredType, inferColumnType } from './column-type.ts';
import type { Side, SideColumn, SideFacts } from './side.ts';
import { type ColumnSummary, type PinnedColumn, summarise } from './summary.ts';

export interface TableSideOptions extends ReadOptions {
  /** As the person named it. */
  readonly name: string;
}

/**
 * Files as one side of a comparison. Their first rows are looked at for the types of the columns.
 *
 * @throws UsageError for malformed files, as far as they were read
 */
export async function tableSide(table: Table, { name, ...options }: TableSideOptions): Promise<Side> {
  const evidence = await table.evidence();
  let data: TableData | undefined;
  return {
    name,
    kind: 'table',
    columns: evidence.map((column): SideColumn => ({
      name: column.name,
      inferred: inferColumnType(column),
      declared: declaredType(column.declared),
      skipped: column.skipped,
    })),
    facts: () => factsOf(data, table.notes),
    read: async (plan) => {
      data = await table.read(plan.map(planned), { ...options, sorted: true });
      return summaries(data);
    },
  };
}

function planned({ name, type, integers }: PinnedColumn) {
  return { name, type, ...(integers === undefined ? {} : { integers }) };
}

async function* summaries(data: TableData): AsyncGenerator<ColumnSummary> {
  for await (const column of data.columns) yield summarise(column);
}

function factsOf(data: TableData | undefined, notes: readonly string[]): SideFacts {
  if (data === undefined) throw new Error('the rows of a table are known once it was read');
  const { rows, duplicates } = data;
  return {
    rows,
    duplicates: {
      rows: duplicates.rows,
      share: rows === 0 ? 0 : duplicates.rows / rows,
      exact: duplicates.exact,
    },
    notes,
  };
}
