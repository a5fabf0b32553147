import type { ColumnPlan } from '../table.ts';
import type { NullTokens } from '../values/null-tokens.ts';
import { BooleanSink, CategoricalSink, type LevelSink } from './categorical-sink.ts';
import type { ColumnSink } from './column-sink.ts';
import type { SummaryOptions } from './finite-summary.ts';
import { NumericSink } from './numeric-sink.ts';
import { TEXT_VALUES, TextSink } from './text-sink.ts';

export const DEFAULT_LEVELS = 100_000;

export interface SinkOptions extends SummaryOptions {
  nullTokens: NullTokens;
  levels: number | undefined;
}

/** As {@link makeSink} for a column of levels. */
export function makeLevelSink({ name, type, integers = false }: ColumnPlan, options: SinkOptions): LevelSink {
  const { nullTokens, levels: limit = DEFAULT_LEVELS } = options;
  if (type === 'boolean') return new BooleanSink({ name, nullTokens });
  return new CategoricalSink({ name, nullTokens, integers, limit });
}

/** What reads the text of a column's cells as the plan says. */
export function makeSink(plan: ColumnPlan, options: SinkOptions): ColumnSink {
  const { name, type } = plan;
  const { nullTokens, expected, sorted, columns } = options;
  switch (type) {
    case 'numeric':
    case 'datetime':
      return new NumericSink({ name, type, nullTokens, expected, sorted, columns });
    case 'categorical':
    case 'boolean':
      return makeLevelSink(plan, options);
    case 'text':
      return new TextSink({ name, nullTokens });
  }
}

/** Numbers that the sinks of a plan keep of one row. */
export function valuesPerRow(plan: readonly ColumnPlan[]): number {
  return plan.reduce((sum, { type }) => sum + (KEPT[type] ?? 0), 0);
}

const KEPT: Readonly<Record<ColumnPlan['type'], number>> = {
  numeric: 1,
  datetime: 1,
  text: TEXT_VALUES,
  categorical: 0,
  boolean: 0,
};
