import { dependence } from '../statistics/autocorrelation.ts';
import { type Estimate, widened } from '../statistics/intervals.ts';
import type { Basis, MetricName } from './section.ts';

/** An estimate at the confidence asked for; null where the rows have none. */
export type EstimateAt = (confidence: number) => Estimate | null;

/** How well the predictions of one side fit. */
export interface MeasuredSide {
  readonly basis: Basis;
  /** Rows with all that the basis needs. */
  readonly rows: number;
  readonly totalRows: number;
  readonly effectiveRows: number;
  readonly estimates: ReadonlyMap<MetricName, EstimateAt>;
  /** For people. */
  readonly notes: readonly string[];
}

export interface LossOptions {
  /** How wrong each row is, in row order. */
  readonly losses: Float64Array;
  /** Whether the rows lie in the file as they lie here; of sampled rows nothing can be told. */
  readonly consecutive: boolean;
}

/** Independent rows that the rows are worth: wrong predictions often come in runs. */
export function effectiveRowsOf({ losses, consecutive }: LossOptions): number {
  return consecutive ? dependence(losses).effectiveRows : losses.length;
}

/** The estimates with intervals as wide as dependent rows make them; shares stay within 0 and 1, errors above 0. */
export function forEffectiveRows(
  estimates: readonly (readonly [MetricName, EstimateAt])[],
  { rows, effectiveRows }: { rows: number; effectiveRows: number },
): ReadonlyMap<MetricName, EstimateAt> {
  const factor = Math.sqrt(rows / Math.max(1, effectiveRows));
  return new Map(
    estimates.map(([metric, at]): [MetricName, EstimateAt] => [
      metric,
      (confidence) => {
        const estimate = at(confidence);
        const ends = [0, metric === 'rmse' ? Number.MAX_VALUE : 1] as const;
        return estimate === null || factor === 1 ? estimate : widened(estimate, factor, ends);
      },
    ]),
  );
}
