import * as z from 'zod';
import type { DriftCalibration } from '../../config/drift-settings.ts';
import { LIMIT_NAMES } from './policy/limits.ts';

const BatchResult = z.object({
  name: z.string(),
  rows: z.number(),
  /** What alerts in it without floors, one phrase each. */
  alerts: z.array(z.string()),
});

const FloorResult = z.object({
  column: z.string(),
  limit: z.enum(LIMIT_NAMES),
  floor: z.number(),
  /** The limit without the floor, and where it comes from. */
  before: z.number(),
  origin: z.string(),
  median: z.number(),
  largest: z.number(),
  /** Batches at or beyond the limit without the floor. */
  batches: z.number(),
  /** The effect in each batch, in their order; null where it had none. */
  observed: z.array(z.number().nullable()),
});

/** What `mlops drift calibrate` found. */
export const Calibration = z.object({
  format: z.literal('mlops.drift-calibration/1'),
  policy: z.string(),
  alpha: z.number(),
  /** Whose limits are raised: those of `--fail-on`. */
  severity: z.enum(['medium', 'high', 'critical']),
  /** The share of unchanged batches that may alert, and the estimate of the share that will. */
  budget: z.number(),
  expectedAlerts: z.number(),
  comparisons: z.number(),
  /** The largest of so many is above this quantile of what is to come. */
  quantile: z.number(),
  margin: z.number(),
  source: z.enum(['history', 'time', 'random']),
  reference: z.string(),
  rows: z.object({ reference: z.number(), smallestBatch: z.number(), largestBatch: z.number() }),
  floors: z.array(FloorResult),
  batches: z.array(BatchResult),
  /** Batches that would have alerted if they had not been among the batches. */
  unforeseen: z.array(
    z.object({
      batch: z.string(),
      column: z.string(),
      message: z.string(),
      /** How many times the next largest effect; null for breaks of the schema, and where no other batch was beyond the limit. */
      ratio: z.number().nullable(),
    }),
  ),
  notes: z.array(z.string()),
});
export type Calibration = z.output<typeof Calibration>;

/** As settings keep it. */
export function calibrationSettings(calibration: Calibration, now: Date): DriftCalibration {
  const { budget, expectedAlerts, comparisons, source, reference, rows, severity, margin } = calibration;
  return {
    at: now.toISOString(),
    budget,
    expectedAlerts,
    comparisons,
    source,
    reference,
    rows,
    severity,
    margin,
    floors: calibration.floors.map(({ column, limit, floor, before, median, largest, batches }) => ({
      column,
      limit,
      floor,
      before,
      median,
      largest,
      batches,
    })),
  };
}
