import type {
  CategoricalColumn,
  CharacterShares,
  ColumnData,
  ColumnType,
  NumericColumn,
  TextColumn,
} from '../../storage/tables/table.ts';
import { type Distribution, distributionOf } from './distribution.ts';
import type { LevelHasher } from './profile/level-hash.ts';

/** What the checks need of one column of one side, from its rows or from a profile. */
export type ColumnSummary = NumericSummary | CategoricalSummary | TextSummary;

interface SummaryBase {
  readonly name: string;
  /** All counts are of the whole data set, whatever was sampled. */
  readonly rows: number;
  readonly nulls: number;
  /** Cells that are neither null nor of the pinned type. */
  readonly unparsable: number;
  /** Up to 3 of them. */
  readonly unparsableExamples: readonly string[];
}

export interface NumericSummary extends SummaryBase {
  readonly type: 'numeric' | 'datetime';
  /** Of the finite values. */
  readonly distribution: Distribution;
  readonly nan: number;
  readonly positiveInfinite: number;
  readonly negativeInfinite: number;
}

export interface CategoricalSummary extends SummaryBase {
  readonly type: 'categorical' | 'boolean';
  readonly counts: ReadonlyMap<string, number>;
  readonly distinct: number;
  readonly distinctExact: boolean;
  /** Rare levels that are not in `counts`. */
  readonly pooled: { readonly levels: number; readonly rows: number };
  /** Of a profile whose levels are hashes: what made them. */
  readonly hasher?: LevelHasher | undefined;
}

export interface TextSummary extends SummaryBase {
  readonly type: 'text';
  /** Of the lengths in characters. */
  readonly distribution: Distribution;
  readonly classShares: CharacterShares;
  /**
   * Independent texts that `classShares` are worth: (sum of lengths)^2 / sum of squared lengths, so that one long text counts as the
   * one text that it is.
   */
  readonly effectiveTexts: number;
  readonly distinct: number;
  readonly distinctExact: boolean;
  readonly emptyStrings: number;
}

/** How a column is read on both sides. */
export interface PinnedColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Why it has this type, a short sentence. */
  readonly reason: string;
  /** Of categorical columns whose levels are integers. */
  readonly integers?: boolean;
}

/** Whether a column is one of levels, not of values with an order. */
export function hasLevels(summary: ColumnSummary): summary is CategoricalSummary {
  return summary.type === 'categorical' || summary.type === 'boolean';
}

/** Cells that are of the column's type, null and unparsable ones not among them. */
export function presentCells({ rows, nulls, unparsable }: ColumnSummary): number {
  return Math.max(0, rows - nulls - unparsable);
}

/** Takes the column over: its values become those of the summary where they are in ascending order, and are copied to be sorted otherwise. */
export function summarise(column: ColumnData): ColumnSummary {
  switch (column.type) {
    case 'numeric':
    case 'datetime':
      return summariseNumbers(column);
    case 'categorical':
    case 'boolean':
      return summariseLevels(column);
    case 'text':
      return summariseTexts(column);
  }
}

function baseOf({ name, rows, nulls, unparsable, unparsableExamples }: ColumnData): SummaryBase {
  return { name, rows, nulls, unparsable, unparsableExamples };
}

function summariseNumbers(column: NumericColumn): NumericSummary {
  const { type, values, consecutive, finite, min, max, top, nan } = column;
  return {
    ...baseOf(column),
    type,
    nan,
    positiveInfinite: column.positiveInfinite,
    negativeInfinite: column.negativeInfinite,
    distribution: distributionOf({
      values,
      consecutive,
      total: finite,
      min,
      max,
      top: top === undefined || finite === 0 ? undefined : { value: top.value, share: top.count / finite },
    }),
  };
}

function summariseLevels(column: CategoricalColumn): CategoricalSummary {
  const { type, counts, distinct, distinctExact, pooled } = column;
  return { ...baseOf(column), type, counts, distinct, distinctExact, pooled };
}

function summariseTexts(column: TextColumn): TextSummary {
  const { lengths, sampled, classShares, distinct, distinctExact, emptyStrings } = column;
  let sum = 0;
  let squares = 0;
  for (const length of lengths) {
    sum += length;
    squares += length * length;
  }
  return {
    ...baseOf(column),
    type: 'text',
    classShares,
    effectiveTexts: squares === 0 ? 0 : (sum * sum) / squares,
    distinct,
    distinctExact,
    emptyStrings,
    distribution: distributionOf({
      values: lengths,
      // Lengths of sampled rows are not neighbours, and their order says nothing.
      consecutive: sampled ? new Float64Array(0) : lengths,
      total: column.rows - column.nulls - column.unparsable,
    }),
  };
}
