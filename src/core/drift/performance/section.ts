import * as z from 'zod';
import { SeveritySchema } from '../severity.ts';

/** The section `performance` of a drift report: how well the predictions fit the labels, or would fit them. */

/** An estimate with the ends of its confidence interval; both null where there is none. */
const Interval = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
export type Interval = z.output<typeof Interval>;

export const METRICS = ['accuracy', 'f1', 'auc', 'rmse'] as const;
export type MetricName = (typeof METRICS)[number];

/** `labels`: measured; `estimate`: expected from the predicted probabilities (CBPE); `none`: neither was possible. */
const Basis = z.enum(['labels', 'estimate', 'none']);
export type Basis = z.output<typeof Basis>;

const Metric = z.object({
  metric: z.enum(METRICS),
  /** What an improvement is. */
  better: z.enum(['higher', 'lower']),
  reference: Interval.nullable(),
  current: Interval.nullable(),
  /** Current less reference, in the metric's unit. */
  difference: Interval.nullable(),
  /** How much worse, 0 where it is not: the fall of a share, or the growth of an error as a part of the reference's. */
  loss: z.number().nullable(),
  /** From which loss on it is of that severity. */
  medium: z.number(),
  high: z.number(),
  critical: z.number(),
  severity: SeveritySchema,
  /** `drift`: worse beyond chance and by `medium` or more; `inconclusive`: the rows can't tell a loss of `medium` from none. */
  verdict: z.enum(['stable', 'drift', 'inconclusive', 'skipped']),
  /** One sentence for people. */
  message: z.string(),
  /** Why a number is null; null where none is. */
  reason: z.string().nullable(),
});
export type Metric = z.output<typeof Metric>;

const PerformanceSide = z.object({
  basis: Basis,
  /** Rows with all that the basis needs. */
  rows: z.number(),
  /** Rows of the data set. */
  totalRows: z.number(),
  /** Independent rows that they are worth, at most `rows`. */
  effectiveRows: z.number(),
});
export type PerformanceSide = z.output<typeof PerformanceSide>;

export const PerformanceSection = z.object({
  task: z.enum(['binary', 'multiclass', 'regression']),
  target: z.string().nullable(),
  prediction: z.string().nullable(),
  probability: z.string().nullable(),
  /** The level that counts as positive; null unless binary. */
  positive: z.string().nullable(),
  /** Of the intervals. */
  confidence: z.number(),
  /** Level of the verdicts, divided among the metrics. */
  alpha: z.number(),
  reference: PerformanceSide,
  current: PerformanceSide,
  metrics: z.array(Metric),
  /** Of the rows that say how well the probabilities are calibrated: labelled ones of the reference. */
  calibration: z
    .object({
      /** Mean distance between predicted and observed share over ten bins of equal numbers of rows. */
      error: z.number(),
      rows: z.number(),
      /** Whether the probabilities were corrected by isotonic regression before the estimate. */
      corrected: z.boolean(),
    })
    .nullable(),
  severity: SeveritySchema,
  verdict: z.enum(['stable', 'drift', 'inconclusive', 'skipped']),
  /** One line for people. */
  message: z.string(),
  notes: z.array(z.string()),
});
export type PerformanceSection = z.output<typeof PerformanceSection>;
