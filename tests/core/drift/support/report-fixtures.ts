import type {
  CategoryChange,
  Check,
  ColumnReport,
  DriftReport,
  Effect,
  SideCounts,
} from '../../../../src/core/drift/report.ts';

/** A generator of uniform numbers from 0 to 1 that gives the same row each time (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Normal values by Box and Muller. */
export function normalSample(size: number, options: { mean: number; sd: number; seed: number }): number[] {
  const random = seeded(options.seed);
  return Array.from({ length: size }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return options.mean + options.sd * radius * Math.cos(2 * Math.PI * random());
  });
}

export function sideOf(rows: number, more: Partial<SideCounts> = {}): SideCounts {
  return {
    rows,
    nulls: 0,
    unparsable: 0,
    nonFinite: 0,
    distinct: null,
    distinctExact: true,
    min: null,
    max: null,
    median: null,
    compared: rows,
    ...more,
  };
}

const LIMITS: Readonly<Record<string, Omit<Effect, 'kind' | 'value'>>> = {
  D: { medium: 0.1, high: 0.2, critical: 0.4 },
  W: { medium: 0.25, high: 0.5, critical: 1.5 },
  excessTvd: { medium: 0.1, high: 0.2, critical: 0.4 },
  share: { medium: 0.01, high: 0.05, critical: 0.2 },
  shareDifference: { medium: 0.05, high: 0.2, critical: 0.5 },
  schema: { medium: null, high: null, critical: null },
};

export function effectOf(kind: string, value: number): Effect {
  return { kind, value, ...(LIMITS[kind] ?? { medium: null, high: null, critical: null }) };
}

function severityOf({ value, medium, high, critical }: Effect): Check['severity'] {
  if (critical !== null && value >= critical) return 'critical';
  if (high !== null && value >= high) return 'high';
  if (medium !== null && value >= medium) return 'medium';
  return 'none';
}

/** A check whose effects decide its severity. */
export function checkOf(check: Check['check'], effects: readonly Effect[], more: Partial<Check> = {}): Check {
  const [main] = effects;
  const severity = effects.map(severityOf).toSorted(bySeverity)[0] ?? 'none';
  return {
    check,
    test: 'ks limit',
    statistic: main?.value ?? null,
    pValue: severity === 'none' ? 0.42 : 3e-12,
    qValue: severity === 'none' ? 0.61 : 2e-11,
    effect: main?.value ?? null,
    effectKind: main?.kind ?? null,
    severity,
    verdict: severity === 'none' ? 'stable' : 'drift',
    effects: [...effects],
    minimumDetectableEffect: 0.02,
    message: `${check} of ${main?.value ?? 'nothing'}`,
    reason: null,
    ...more,
  };
}

const ORDER = ['critical', 'high', 'medium', 'low', 'none'];

function bySeverity(one: Check['severity'], other: Check['severity']): number {
  return ORDER.indexOf(one) - ORDER.indexOf(other);
}

/** A column whose severity and verdict are those of its worst check. */
export function columnOf(column: string, more: Partial<ColumnReport> = {}): ColumnReport {
  const checks = more.checks ?? [];
  const severity = checks.map((check) => check.severity).toSorted(bySeverity)[0] ?? 'none';
  return {
    column,
    type: 'numeric',
    typeReason: 'all values of the reference are numbers',
    role: 'feature',
    weight: 1,
    severity,
    verdict: severity === 'none' || severity === 'low' ? 'stable' : 'drift',
    message: `\`${column}\` ${severity}`,
    checks,
    skipped: null,
    minimumDetectableEffect: null,
    reference: sideOf(5000),
    current: sideOf(812),
    shift: null,
    outOfRange: [],
    categories: null,
    histogram: null,
    ecdf: null,
    dependence: null,
    additional: [],
    notes: [],
    ...more,
  };
}

/** A numeric column made from two samples: histogram, distribution functions, medians and D are theirs. */
export function numericColumn(
  column: string,
  { reference, current }: { reference: readonly number[]; current: readonly number[] },
  more: Partial<ColumnReport> = {},
): ColumnReport {
  const before = [...reference].toSorted((one, other) => one - other);
  const after = [...current].toSorted((one, other) => one - other);
  const pooled = [...before, ...after].toSorted((one, other) => one - other);
  const values = Array.from({ length: 50 }, (_, index) => quantile(pooled, (index + 0.5) / 50));
  const ecdf = {
    values,
    reference: values.map((value) => shareUpTo(before, value)),
    current: values.map((value) => shareUpTo(after, value)),
  };
  const gaps = ecdf.reference.map((share, index) => Math.abs(share - (ecdf.current[index] ?? 0)));
  const widest = gaps.indexOf(Math.max(...gaps));
  const [medianBefore, medianAfter] = [quantile(before, 0.5), quantile(after, 0.5)];
  const d = gaps[widest] ?? 0;
  const distribution = checkOf('distribution', [effectOf('D', d)], { message: `D=${d.toFixed(2)}` });
  return columnOf(column, {
    checks: [distribution, ...(more.checks ?? [])],
    reference: sideOf(before.length, {
      min: before[0] ?? null,
      max: before.at(-1) ?? null,
      median: medianBefore,
    }),
    current: sideOf(after.length, { min: after[0] ?? null, max: after.at(-1) ?? null, median: medianAfter }),
    shift: {
      direction: medianAfter > medianBefore ? 'up' : 'down',
      medianBefore,
      medianAfter,
      location: values[widest] ?? 0,
      referenceShare: ecdf.reference[widest] ?? 0,
      currentShare: ecdf.current[widest] ?? 0,
    },
    histogram: histogramOf(before, after, pooled),
    ecdf,
    additional: [
      { name: 'psi', value: 0.31, pValue: null, null95: 0.02, reason: null },
      { name: 'jensenShannon', value: 0.12, pValue: null, null95: null, reason: null },
      { name: 'andersonDarling', value: 14.2, pValue: 1e-5, null95: null, reason: null },
      {
        name: 'energyDistance',
        value: null,
        pValue: null,
        null95: null,
        reason: 'more rows than it is computed for',
      },
    ],
    ...without(more, 'checks'),
  });
}

function without(more: Partial<ColumnReport>, key: 'checks'): Partial<ColumnReport> {
  const { [key]: _left, ...rest } = more;
  return rest;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

function shareUpTo(sorted: readonly number[], value: number): number {
  return sorted.filter((each) => each <= value).length / sorted.length;
}

const BINS = 40;

function histogramOf(
  before: readonly number[],
  after: readonly number[],
  pooled: readonly number[],
): NonNullable<ColumnReport['histogram']> {
  const low = quantile(pooled, 0.002);
  const width = (quantile(pooled, 0.998) - low) / BINS;
  const bins = (values: readonly number[]): number[] => {
    const shares = Array.from({ length: BINS }, () => 0);
    for (const value of values) {
      const bin = Math.max(0, Math.min(BINS - 1, Math.floor((value - low) / width)));
      shares[bin] = (shares[bin] ?? 0) + 1 / values.length;
    }
    return shares;
  };
  return {
    edges: Array.from({ length: BINS + 1 }, (_, index) => low + index * width),
    reference: bins(before),
    current: bins(after),
  };
}

/** A categorical column from the rows of each category on both sides. */
export function categoricalColumn(
  column: string,
  counts: readonly (readonly [category: string, reference: number, current: number])[],
  more: Partial<ColumnReport> = {},
): ColumnReport {
  const rows = (side: 1 | 2): number => counts.reduce((sum, each) => sum + each[side], 0);
  const [before, after] = [rows(1), rows(2)];
  const changes = counts.map(([category, referenceRows, currentRows]): CategoryChange => ({
    category,
    referenceRows,
    currentRows,
    referenceShare: before === 0 ? 0 : referenceRows / before,
    currentShare: after === 0 ? 0 : currentRows / after,
  }));
  const moved = ({ referenceShare, currentShare }: CategoryChange): number =>
    Math.abs(referenceShare - currentShare);
  const tvd = changes.reduce((sum, change) => sum + moved(change), 0) / 2;
  const unseen = changes.filter(({ referenceRows, currentRows }) => referenceRows === 0 && currentRows > 0);
  const gone = changes.filter(({ referenceRows, currentRows }) => currentRows === 0 && referenceRows > 0);
  const mass = unseen.reduce((sum, { currentShare }) => sum + currentShare, 0);
  const found = [checkOf('distribution', [effectOf('excessTvd', tvd)], { test: 'chi-square' })];
  if (unseen.length > 0)
    found.push(checkOf('unseen-categories', [effectOf('share', mass)], { test: 'exceedance' }));
  return columnOf(column, {
    type: 'categorical',
    typeReason: 'text with few different values',
    checks: [...found, ...(more.checks ?? [])],
    reference: sideOf(before, { distinct: changes.length - unseen.length }),
    current: sideOf(after, { distinct: changes.length - gone.length }),
    categories: {
      changed: changes.toSorted((one, other) => moved(other) - moved(one)).slice(0, 10),
      unseen: unseen.slice(0, 10),
      unseenCount: unseen.length,
      gone: gone.slice(0, 10),
      goneCount: gone.length,
      bars: changes.slice(0, 20),
    },
    ...without(more, 'checks'),
  });
}

/** A report about these columns: verdict, severity, totals and alerts follow from them. */
export function reportOf(columns: readonly ColumnReport[], more: Partial<DriftReport> = {}): DriftReport {
  const of = (verdict: ColumnReport['verdict']): number =>
    columns.filter((column) => column.verdict === verdict).length;
  const at = (severity: ColumnReport['severity']): number =>
    columns.filter((column) => column.severity === severity).length;
  const severity = columns.map((column) => column.severity).toSorted(bySeverity)[0] ?? 'none';
  const drift = of('drift');
  const failOn = more.failOn ?? 'medium';
  return {
    format: 'mlops.drift-report/1',
    verdict: drift > 0 ? 'drift' : of('inconclusive') > 0 ? 'inconclusive' : 'stable',
    severity,
    policy: 'mlops-2',
    alpha: 0.01,
    failOn,
    failed: ORDER.indexOf(severity) <= ORDER.indexOf(failOn),
    message: `${drift} of ${columns.length} columns drifted`,
    sources: {
      reference: { name: 'train.csv', kind: 'table', duplicates: { rows: 0, share: 0, exact: true } },
      current: { name: 'today.csv', kind: 'table', duplicates: { rows: 3, share: 0.004, exact: true } },
    },
    rows: { reference: 5000, current: 812 },
    totals: {
      columns: columns.length,
      drift,
      stable: of('stable'),
      inconclusive: of('inconclusive'),
      skipped: of('skipped'),
      low: at('low'),
      medium: at('medium'),
      high: at('high'),
      critical: at('critical'),
      tests: columns.reduce((sum, { checks }) => sum + checks.length, 0),
    },
    driftedShare: columns.length === 0 ? null : drift / columns.length,
    weightedEffect: null,
    alerts: columns.flatMap(({ column, checks }) =>
      checks
        .filter((check) => check.severity !== 'none')
        .map((check) => ({ column, severity: check.severity, message: check.message, check: check.check })),
    ),
    columns: columns.toSorted((one, other) => bySeverity(one.severity, other.severity)),
    schema: { missing: [], added: [], typeChanged: [], renamed: [] },
    notes: [],
    ...more,
  };
}
