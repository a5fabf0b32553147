import { medianValue } from './distribution.ts';
import { nonFiniteCells } from './checks/cells.ts';
import type { SideCounts } from './report.ts';
import { type ColumnSummary, hasLevels, presentCells } from './summary.ts';

/** What a report says of one side of a column. */
export function sideCounts(summary: ColumnSummary): SideCounts {
  const { rows, nulls, unparsable } = summary;
  const common = { rows, nulls, unparsable, nonFinite: nonFiniteCells(summary) };
  if (hasLevels(summary)) {
    const { distinct, distinctExact } = summary;
    return {
      ...common,
      distinct,
      distinctExact,
      min: null,
      max: null,
      median: null,
      compared: presentCells(summary),
    };
  }
  const { distribution } = summary;
  const { min, max } = distribution;
  return {
    ...common,
    distinct: summary.type === 'text' ? summary.distinct : null,
    distinctExact: summary.type === 'text' && summary.distinctExact,
    min,
    max,
    median: medianValue(distribution),
    compared: distribution.rows,
  };
}
