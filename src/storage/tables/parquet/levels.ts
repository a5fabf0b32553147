import type { DuckDBConnection } from '@duckdb/node-api';
import { DEFAULT_LEVELS, makeLevelSink, type SinkOptions } from '../columns/make-sink.ts';
import type { ColumnData, ColumnPlan } from '../table.ts';
import { textBatch } from './text-batch.ts';

export interface LevelsQuery extends SinkOptions {
  paths: readonly string[];
  /** Where the column comes from, in SQL. */
  from: string;
  /** Its values as text, in SQL. */
  text: string;
  plan: ColumnPlan;
  rows: number;
}

/** Counts the levels of a column inside DuckDB, and reads each of them once by the rules for text. */
export async function countLevels(connection: DuckDBConnection, query: LevelsQuery): Promise<ColumnData> {
  const { paths, from, text, plan, rows, levels = DEFAULT_LEVELS } = query;
  await connection.run(
    `CREATE TEMP TABLE levels AS SELECT ${text} AS v, count(*) AS n FROM ${from} GROUP BY 1`,
    [...paths],
  );
  const totals = await (await connection.run('SELECT count(*), sum(n) FROM levels')).getRows();
  const [all, sum] = (totals[0] ?? []).map(Number);
  const sink = makeLevelSink(plan, query);
  // `1` and `1.0` may be one level, so twice as many are looked at.
  const result = await connection.stream(`SELECT v, n FROM levels ORDER BY n DESC, v LIMIT ${2 * levels}`);
  const left = { levels: all ?? 0, rows: sum ?? 0 };
  for await (const chunk of result) {
    const batch = textBatch(chunk.getColumnVector(0), chunk.rowCount);
    const counts = chunk.getColumnVector(1);
    for (let row = 0; row < chunk.rowCount; row += 1) {
      const count = Number(counts.getItem(row));
      sink.add(batch, batch.starts[row] as number, batch.ends[row] as number, count);
      left.levels -= 1;
      left.rows -= count;
    }
  }
  sink.addPooled(left);
  return sink.finish({ rows, sampled: false });
}
