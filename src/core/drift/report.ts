import * as z from 'zod';
import { MultivariateSection } from './multivariate/section.ts';
import { PerformanceSection } from './performance/section.ts';
import { type Severity, SEVERITIES, SeveritySchema } from './severity.ts';

/**
 * The report of `mlops drift`: what the renderers read, `--json` prints and `--save` keeps.
 *
 * Every number is finite. Where there is none (a constant column has no robust unit, an empty side no median) the value is null and
 * a `reason` beside it says why. Shares and effects are 0 to 1; times are milliseconds since 1970 in UTC. Column names, category names
 * and everything made of them come from the files: a renderer escapes them for its medium.
 */

export { type Severity, SEVERITIES };

const Verdict = z.enum(['stable', 'drift', 'inconclusive']);
export type Verdict = z.output<typeof Verdict>;
/** `skipped`: nothing of it could be compared or it was not to be; the reason is in `skipped`. */
const ColumnVerdict = z.enum(['stable', 'drift', 'inconclusive', 'skipped']);
export type ColumnVerdict = z.output<typeof ColumnVerdict>;

/** The checks that decide, in the order in which they are listed. */
export const CHECKS = [
  'missing-column',
  'type-change',
  'all-null',
  'new-column',
  'distribution',
  'null-share',
  'unseen-categories',
  'below-range',
  'above-range',
  'point-mass',
  'non-finite',
  'unparsable',
  'gap',
  'character-classes',
  'empty-strings',
] as const;
export type CheckName = (typeof CHECKS)[number];

const Effect = z.object({
  /** `D`, `W`, `excessTvd`, `share`, `shareDifference`, `psi`, `pValue`, `schema`. */
  kind: z.string(),
  value: z.number(),
  /** From where on it is of that severity; null where that severity can not be reached by it. */
  medium: z.number().nullable(),
  high: z.number().nullable(),
  critical: z.number().nullable(),
});
export type Effect = z.output<typeof Effect>;

const Check = z.object({
  check: z.enum(CHECKS),
  /** How the p value was found, such as `ks exact` or `fisher`; `none` where the finding is a fact, not a test. */
  test: z.string(),
  statistic: z.number().nullable(),
  pValue: z.number().nullable(),
  /** p after the Benjamini-Hochberg correction over all checks of the data set. */
  qValue: z.number().nullable(),
  /** The effect that decided: the one of `effects` with the highest severity. */
  effect: z.number().nullable(),
  effectKind: z.string().nullable(),
  severity: SeveritySchema,
  verdict: ColumnVerdict,
  /** All effects that were held against limits, the deciding one first. */
  effects: z.array(Effect),
  /** Smallest effect (of the kind `effectKind`) that these numbers of rows could have shown; null where no test was made. */
  minimumDetectableEffect: z.number().nullable(),
  /** One sentence for people. */
  message: z.string(),
  /** Why a number above is null, or the check skipped. */
  reason: z.string().nullable(),
});
export type Check = z.output<typeof Check>;

/** A measure beside the verdict: it never gates under the policy of the report. */
const Measure = z.object({
  /** `psi`, `jensenShannon`, `kullbackLeibler`, `hellinger`, `totalVariation`, `andersonDarling`, `cramerVonMises`, `mannWhitney`, `energyDistance`, `wasserstein`. */
  name: z.string(),
  value: z.number().nullable(),
  /** Not corrected for the number of columns; null where the measure has none. */
  pValue: z.number().nullable(),
  /** For PSI: what 95 % of samples of these sizes stay below when nothing has changed. */
  null95: z.number().nullable(),
  /** Why `value` is null, or what `value` is of (`of 20000 values drawn from a side`). */
  reason: z.string().nullable(),
});
export type Measure = z.output<typeof Measure>;

const SideCounts = z.object({
  rows: z.number(),
  nulls: z.number(),
  /** Cells that are not of the column's type. */
  unparsable: z.number(),
  /** NaN and infinities, of numeric columns. */
  nonFinite: z.number(),
  /** Different values, of categorical and text columns; at least so many where `distinctExact` is false. */
  distinct: z.number().nullable(),
  distinctExact: z.boolean(),
  /** Of the finite values of all rows (text: of their lengths); datetimes in milliseconds; null where there are none, and of levels. */
  min: z.number().nullable(),
  max: z.number().nullable(),
  /** Of the values (text: of their lengths). */
  median: z.number().nullable(),
  /** Values that were compared: fewer than there are where a sample was taken. */
  compared: z.number(),
});
export type SideCounts = z.output<typeof SideCounts>;

/** Where and in which direction a column of numbers, times or text lengths moved. */
const Shift = z.object({
  /** `up`: the values became larger as a whole; `spread`, `narrowed`: the middle stayed and the width changed; `none`: nothing that is more than chance. */
  direction: z.enum(['up', 'down', 'spread', 'narrowed', 'none']),
  medianBefore: z.number(),
  medianAfter: z.number(),
  /** The value at which the distribution functions are farthest apart, and the shares of rows at or below it. */
  location: z.number(),
  referenceShare: z.number(),
  currentShare: z.number(),
});
export type Shift = z.output<typeof Shift>;

const OutOfRange = z.object({
  side: z.enum(['below', 'above']),
  /** The reference's minimum or maximum. */
  limit: z.number(),
  /** The current minimum or maximum. */
  reached: z.number(),
  rows: z.number(),
  /** Of the finite values. */
  share: z.number(),
});
export type OutOfRange = z.output<typeof OutOfRange>;

const CategoryChange = z.object({
  /** At most 200 characters; null for all rows of rare categories that were pooled. */
  category: z.string().nullable(),
  referenceRows: z.number(),
  currentRows: z.number(),
  referenceShare: z.number(),
  currentShare: z.number(),
});
export type CategoryChange = z.output<typeof CategoryChange>;

const Categories = z.object({
  /** Those whose share changed most, at most 10. */
  changed: z.array(CategoryChange),
  /** Those of the current data that the reference does not have, most frequent first: at most 10 of `unseenCount`. */
  unseen: z.array(CategoryChange),
  unseenCount: z.number(),
  /** Those of the reference that the current data does not have, most frequent first: at most 10 of `goneCount`. */
  gone: z.array(CategoryChange),
  goneCount: z.number(),
  /** For a bar chart: the most frequent of both sides, at most 20, and one entry for the others if there are more. */
  bars: z.array(CategoryChange),
});
export type Categories = z.output<typeof Categories>;

/** Shares of the compared values between edges; the first and last bin hold all that lies beyond. At most 40 bins. */
const Histogram = z.object({
  /** One more than bins, ascending. */
  edges: z.array(z.number()).max(41),
  reference: z.array(z.number()).max(40),
  current: z.array(z.number()).max(40),
});
export type Histogram = z.output<typeof Histogram>;

/** Both distribution functions at the same values, at most 50 points. */
const Ecdf = z.object({
  /** Ascending. */
  values: z.array(z.number()).max(50),
  reference: z.array(z.number()).max(50),
  current: z.array(z.number()).max(50),
});
export type Ecdf = z.output<typeof Ecdf>;

const Dependence = z.object({
  /** Lag-1 autocorrelation of the ranks in row order; null where the order or variation is missing. */
  referenceR: z.number().nullable(),
  currentR: z.number().nullable(),
  /** Independent rows that the compared rows are worth. */
  referenceEffective: z.number(),
  currentEffective: z.number(),
});
export type Dependence = z.output<typeof Dependence>;

export const COLUMN_TYPES = ['numeric', 'categorical', 'boolean', 'datetime', 'text'] as const;

const Column = z.object({
  column: z.string(),
  /** null where no type could be found because all of it is null, or the column is only in the current data. */
  type: z.enum(COLUMN_TYPES).nullable(),
  typeReason: z.string(),
  role: z.enum(['feature', 'target', 'prediction']),
  /** Importance, as given; 1 where none was. */
  weight: z.number(),
  severity: SeveritySchema,
  verdict: ColumnVerdict,
  /** One line for people, with the name in backticks: severity, size, place and direction of the change, q, rows. */
  message: z.string(),
  checks: z.array(Check),
  /** Why the column was skipped; null where it was not. */
  skipped: z.string().nullable(),
  /** The smallest effect that the main check could have shown, where the verdict is `inconclusive`. */
  minimumDetectableEffect: z.number().nullable(),
  /** null where the side does not have the column, or it was not read because it is not compared. */
  reference: SideCounts.nullable(),
  current: SideCounts.nullable(),
  shift: Shift.nullable(),
  outOfRange: z.array(OutOfRange),
  categories: Categories.nullable(),
  histogram: Histogram.nullable(),
  ecdf: Ecdf.nullable(),
  /** Present where the rows depend on one another so that fewer were counted. */
  dependence: Dependence.nullable(),
  additional: z.array(Measure),
  /** What a reader of the verdict should know: dependence, samples and their error, unparsable cells. */
  notes: z.array(z.string()),
});
export type ColumnReport = z.output<typeof Column>;

const Rename = z.object({ from: z.string(), to: z.string(), reason: z.string() });
export type Rename = z.output<typeof Rename>;

const Duplicates = z.object({
  rows: z.number(),
  share: z.number(),
  /** False where it is an estimate. */
  exact: z.boolean(),
});

const Source = z.object({
  /** As the person named it. */
  name: z.string(),
  kind: z.enum(['table', 'profile']),
  /** null where it is not known, as of a profile without it. */
  duplicates: Duplicates.nullable(),
});

const Alert = z.object({
  column: z.string(),
  severity: SeveritySchema,
  message: z.string(),
  check: z.enum(CHECKS),
});
export type Alert = z.output<typeof Alert>;

/** How many columns have each verdict and severity. */
const Totals = z.object({
  columns: z.number(),
  drift: z.number(),
  stable: z.number(),
  inconclusive: z.number(),
  skipped: z.number(),
  low: z.number(),
  medium: z.number(),
  high: z.number(),
  critical: z.number(),
  /** p values in the one family that was corrected together. */
  tests: z.number(),
});

export const DriftReport = z.object({
  format: z.literal('mlops.drift-report/1'),
  verdict: Verdict,
  /** The highest of the columns. */
  severity: SeveritySchema,
  /** Name and version of the rules: `mlops-2`, `pvalue-1`, `psi-1`. */
  policy: z.string(),
  alpha: z.number(),
  failOn: z.enum(['low', 'medium', 'high', 'critical']),
  /** Whether an alert is at or above `failOn`, or the verdict is `inconclusive` and was to fail then: exit 1. */
  failed: z.boolean(),
  /** One line for people about the whole data set. */
  message: z.string(),
  sources: z.object({ reference: Source, current: Source }),
  rows: z.object({ reference: z.number(), current: z.number() }),
  totals: Totals,
  /** Drifted columns among those compared; null where none was. */
  driftedShare: z.number().nullable(),
  /**
   * Mean over the compared columns, by weight, of their largest significant effect in units of its `medium` limit, at most 4 and 0 where nothing
   * was significant; null without weights.
   */
  weightedEffect: z.number().nullable(),
  /** Findings from `low` on, the worst first; under `pvalue`, whose `low` means that nothing was found, those from `medium` on. */
  alerts: z.array(Alert),
  /** The worst first, then in the order of the reference. */
  columns: z.array(Column),
  schema: z.object({
    missing: z.array(z.string()),
    added: z.array(z.string()),
    typeChanged: z.array(z.object({ column: z.string(), from: z.string(), to: z.string() })),
    /** A missing and an added column that look like one and the same. */
    renamed: z.array(Rename),
  }),
  /** About the data sets as a whole: duplicates, samples, what was assumed about the files. */
  notes: z.array(z.string()),
  /** With `--multivariate`. */
  multivariate: MultivariateSection.optional(),
  /** Where a target, a prediction or a probability was named. */
  performance: PerformanceSection.optional(),
});
export type DriftReport = z.output<typeof DriftReport>;
