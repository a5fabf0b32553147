import { DEFAULT_LEVELS, makeLevelSink, type SinkOptions } from '../columns/make-sink.ts';
import type { Watch } from '../engine/engine.ts';
import type { ColumnData, ColumnPlan } from '../table.ts';
import type { ParquetFiles } from './parquet-files.ts';

export interface LevelsQuery extends SinkOptions, Watch {
  plan: ColumnPlan;
  /** The values of the column as text, in SQL. */
  text: string;
  rows: number;
}

/** Counts the levels of a column inside DuckDB, and reads each of them once by the rules for text. */
export function countLevels(files: ParquetFiles, query: LevelsQuery): Promise<ColumnData> {
  const { plan, text, rows, levels = DEFAULT_LEVELS } = query;
  return files.run(query, async (connection) => {
    const counted = `SELECT ${text} AS v, count(*) AS n FROM ${files.from} GROUP BY 1`;
    await connection.run(`CREATE TEMP TABLE levels AS ${counted}`, files.parameters());
    const totals = await (await connection.run('SELECT count(*), sum(n) FROM levels')).getRows();
    const [all = 0, sum = 0] = (totals[0] ?? []).map(Number);
    const sink = makeLevelSink(plan, query);
    // `1` and `1.0` may be one level, so twice as many are looked at.
    const most = `SELECT v, CAST(n AS DOUBLE) FROM levels ORDER BY n DESC, v LIMIT ${2 * levels}`;
    const left = { levels: all, rows: sum };
    for await (const chunk of await connection.stream(most)) {
      const reader = files.reader(chunk);
      const texts = reader.texts(0);
      const { values: counts } = reader.numbers(1);
      for (let row = 0; row < reader.rows; row += 1) {
        const count = counts[row] as number;
        sink.add(texts, texts.starts[row] as number, texts.ends[row] as number, count);
        left.levels -= 1;
        left.rows -= count;
      }
    }
    sink.addPooled(left);
    return sink.finish({ rows, sampled: false });
  });
}
