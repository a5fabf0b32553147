import * as z from 'zod';
import { SeveritySchema } from '../severity.ts';

/** The section `multivariate` of a drift report: checks that look at all columns of a row together. */

const Verdict = z.enum(['stable', 'drift', 'inconclusive', 'skipped']);

const Interval = z.object({ value: z.number(), low: z.number(), high: z.number() });

const DomainClassifier = z.object({
  /** How well a classifier tells current from reference rows that it has not seen: .5 not at all, 1 always. With 95 % interval. */
  auc: Interval.nullable(),
  /** One-sided, for an AUC above .5. */
  pValue: z.number().nullable(),
  folds: z.number(),
  /** What the AUC is held against. */
  medium: z.number(),
  high: z.number(),
  critical: z.number(),
  /** Columns that it tells them apart by, the most important first, at most 10: what AUC is lost when the column is shuffled. */
  drivers: z.array(z.object({ column: z.string(), aucLoss: z.number() })),
  severity: SeveritySchema,
  verdict: Verdict,
  message: z.string(),
  reason: z.string().nullable(),
});
export type DomainClassifierReport = z.output<typeof DomainClassifier>;

const Reconstruction = z.object({
  /** Principal components that were kept, and the share of the variance that they explain. */
  components: z.number(),
  explained: z.number(),
  /** Mean length of what the components leave of a standardised row: held-out rows of the reference, and current rows. */
  reference: Interval.nullable(),
  current: Interval.nullable(),
  /** Kolmogorov-Smirnov distance of the two distributions of these lengths, and its two-sided p. */
  d: z.number().nullable(),
  pValue: z.number().nullable(),
  /** What D is held against. */
  medium: z.number(),
  high: z.number(),
  critical: z.number(),
  severity: SeveritySchema,
  verdict: Verdict,
  message: z.string(),
  reason: z.string().nullable(),
});
export type ReconstructionReport = z.output<typeof Reconstruction>;

export const MultivariateSection = z.object({
  severity: SeveritySchema,
  verdict: Verdict,
  /** One line for people. */
  message: z.string(),
  /** Level of the verdicts, divided between the two checks. */
  alpha: z.number(),
  seed: z.number(),
  /** Rows that were looked at. */
  rows: z.object({ reference: z.number(), current: z.number() }),
  columns: z.array(z.string()),
  /** Columns that were left out, with the reason. */
  skipped: z.array(z.object({ column: z.string(), reason: z.string() })),
  classifier: DomainClassifier,
  reconstruction: Reconstruction,
  notes: z.array(z.string()),
});
export type MultivariateSection = z.output<typeof MultivariateSection>;
