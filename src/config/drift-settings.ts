import * as z from 'zod';
import {
  DRIFT_COLUMN_TYPES,
  DRIFT_FAIL_ON,
  DRIFT_LIMITS,
  DRIFT_POLICIES,
  type DriftLimit,
} from './drift-names.ts';

// Lazy, as in schema.ts: few commands compare data.

/** More columns than a file of the largest allowed size can speak of. */
const MOST_COLUMNS = 100_000;

export const DriftPolicyName = z.lazy(() => z.enum(DRIFT_POLICIES, DRIFT_POLICIES.join(', ')));
export const DriftAlpha = z.lazy(() => z.number().gt(0, 'more than 0').lt(1, 'less than 1'));
export const DriftSeverity = z.lazy(() => z.enum(DRIFT_FAIL_ON, DRIFT_FAIL_ON.join(', ')));
export const DriftFlag = z.boolean();
export const DriftEffect = z.lazy(() =>
  z.number().gt(0, 'more than 0').max(1, 'at most 1: it is a share of rows'),
);
export const DriftColumnType = z.lazy(() => z.enum(DRIFT_COLUMN_TYPES, DRIFT_COLUMN_TYPES.join(', ')));
export const DriftWeight = z.lazy(() => z.number('a number').min(0, 'a weight is 0 or more'));
const ColumnName = z.string().max(10_000);
export const DriftIgnore = z.lazy(() => z.array(ColumnName.min(1)).max(MOST_COLUMNS));

/** null: that severity is never reached. */
const share = () => z.number().min(0).max(1, 'at most 1: it is a share of rows').nullable();
const robustUnits = () => z.number().min(0).nullable();

/** From which effect on a finding is of which severity; what is left out stays as it was. null for all: the effect never counts. */
function limitsOf(name: DriftLimit) {
  const limit = name === 'W' ? robustUnits : share;
  return z
    .strictObject({ medium: limit().optional(), high: limit().optional(), critical: limit().optional() })
    .refine(
      isAscending,
      'limits do not descend from medium over high to critical, and after null there is null only',
    )
    .nullable();
}

interface PartialLimits {
  medium?: number | null | undefined;
  high?: number | null | undefined;
  critical?: number | null | undefined;
}

function isAscending({ medium, high, critical }: PartialLimits): boolean {
  const given = [medium, high, critical]
    .filter((limit) => limit !== undefined)
    .map((limit) => limit ?? Infinity);
  return given.every((limit, index) => index === 0 || limit >= (given[index - 1] as number));
}

const LimitsByName = z.lazy(() => {
  const shape = Object.fromEntries(DRIFT_LIMITS.map((name) => [name, limitsOf(name).optional()]));
  return z.strictObject(shape as Record<DriftLimit, z.ZodOptional<ReturnType<typeof limitsOf>>>);
});

const columnShape = () => ({
  ignore: DriftFlag.optional(),
  type: DriftColumnType.optional(),
  weight: DriftWeight.optional(),
  effect: DriftEffect.optional(),
  limits: LimitsByName.optional(),
});

const ColumnSettings = z.lazy(() => z.strictObject(columnShape()));
export type DriftColumnSettings = z.output<typeof ColumnSettings>;

/** By name, or as a list, which can also speak of columns called `constructor` or `__proto__`: no JSON here may have such keys. */
const Columns = z.lazy(() =>
  z.union([
    z.array(z.strictObject({ column: ColumnName, ...columnShape() })).max(MOST_COLUMNS),
    z.record(ColumnName, ColumnSettings),
  ]),
);

/** What `mlops drift calibrate` found, with its evidence. It is replaced as a whole. */
export const DriftCalibration = z.lazy(() =>
  z.strictObject({
    /** When it was found. */
    at: z.string().max(40),
    /** The share of unchanged batches that may alert. */
    budget: z.number().gt(0).lt(1),
    /** The share that is to be expected of the floors, by leaving out one batch at a time. */
    expectedAlerts: z.number().min(0).max(1),
    /** Batches that were compared. */
    comparisons: z.number().int().min(1),
    /** `history`: past batches. `time`, `random`: blocks of the reference, in the order of its rows or drawn. */
    source: z.enum(['history', 'time', 'random']),
    /** As the person named it. */
    reference: z.string().max(10_000),
    rows: z.strictObject({
      reference: z.number().int().min(0),
      smallestBatch: z.number().int().min(0),
      largestBatch: z.number().int().min(0),
    }),
    /** The severity that the floors are the limit of. */
    severity: z.enum(['medium', 'high', 'critical']),
    /** How many times the largest effect seen they are. */
    margin: z.number().min(1),
    floors: z
      .array(
        z.strictObject({
          column: ColumnName,
          limit: z.enum(DRIFT_LIMITS),
          floor: z.number().min(0),
          /** Of the batches: the median effect, the largest significant one, and how many were beyond the limit that held before. */
          median: z.number().min(0),
          largest: z.number().min(0),
          before: z.number().min(0),
          batches: z.number().int().min(1),
        }),
      )
      .max(MOST_COLUMNS),
  }),
);
export type DriftCalibration = z.output<typeof DriftCalibration>;

/** The section `drift` of `.mlops/config.json` and `.mlops/local.json`, and the content of the file of `--config`. Strict. */
export const DriftSettings = z.lazy(() =>
  z.strictObject({
    policy: DriftPolicyName.optional(),
    alpha: DriftAlpha.optional(),
    failOn: DriftSeverity.optional(),
    failOnInconclusive: DriftFlag.optional(),
    /** The least effect in the shape of a distribution that matters, in `D` and `excessTvd`; `W` and `characterClasses` follow. */
    effect: DriftEffect.optional(),
    /** Columns that are not compared: names, or globs with `*` and `?`. */
    ignore: DriftIgnore.optional(),
    /** For all columns. */
    limits: LimitsByName.optional(),
    columns: Columns.optional(),
    calibration: DriftCalibration.optional(),
  }),
);
export type DriftSettings = z.output<typeof DriftSettings>;

/** Settings of single columns, whichever form they are written in, each with where it stands below the section. */
export function columnSettings(
  columns: DriftSettings['columns'],
): { column: string; path: string; settings: DriftColumnSettings }[] {
  if (columns === undefined) return [];
  if (Array.isArray(columns)) {
    return columns.map(({ column, ...settings }, index) => ({ column, path: `columns.${index}`, settings }));
  }
  return Object.entries(columns).map(([column, settings]) => ({
    column,
    path: `columns.${column}`,
    settings,
  }));
}

/** The keys that an object at a path of the section may have, for the hint about one that it may not have. */
export function allowedDriftKeys(path: readonly string[]): readonly string[] {
  const [head, , third] = path;
  if (head === undefined) return Object.keys(DriftSettings.unwrap().shape);
  if (head === 'calibration') return Object.keys(DriftCalibration.unwrap().shape);
  const inLimits = head === 'limits' ? path.length - 1 : third === 'limits' ? path.length - 3 : undefined;
  if (inLimits !== undefined) return inLimits === 0 ? DRIFT_LIMITS : ['medium', 'high', 'critical'];
  return Object.keys(columnShape());
}
