import fc from 'fast-check';
import type { ColumnReport, DriftReport } from '../../../../src/core/drift/report.ts';
import {
  DriftReport as ReportSchema,
  COLUMN_TYPES,
  CHECKS,
  SEVERITIES,
} from '../../../../src/core/drift/report.ts';
import { checkOf, columnOf, reportOf, sideOf } from './report-fixtures.ts';
import { metricOf, multivariateOf, performanceOf } from './row-sections.ts';
import { HOSTILE_TEXTS } from './scenarios.ts';

/** Any number that JSON can hold, those at the ends of what doubles hold among them. */
const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1, -1, 0.5, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 8.64e15, 1e300),
);
const maybeNumber = fc.option(anyNumber);
const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), anyNumber);
const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary', maxLength: 40 }));
const numbers = (maxLength: number) => fc.array(anyNumber, { maxLength });

const anyCheck = fc
  .record({
    check: fc.constantFrom(...CHECKS),
    severity: fc.constantFrom(...SEVERITIES),
    verdict: fc.constantFrom('stable', 'drift', 'inconclusive', 'skipped'),
    effect: maybeNumber,
    effectKind: fc.option(fc.oneof(fc.constantFrom('D', 'W', 'share', 'psi', 'pValue', 'constructor'), text)),
    limit: maybeNumber,
    pValue: maybeNumber,
    message: text,
  })
  .map(({ check, limit, ...more }) =>
    checkOf(
      check,
      [{ kind: 'D', value: more.effect ?? 0, medium: limit, high: limit, critical: null }],
      more,
    ),
  );

const anyCategory = fc.record({
  category: fc.option(text),
  referenceRows: anyNumber,
  currentRows: anyNumber,
  referenceShare: share,
  currentShare: share,
});

const anySide = fc
  .record({ rows: anyNumber, nulls: anyNumber, distinct: maybeNumber, min: maybeNumber, median: maybeNumber })
  .map(({ rows, ...more }) => sideOf(rows, more));

const anyColumn: fc.Arbitrary<ColumnReport> = fc
  .record({
    column: text,
    type: fc.option(fc.constantFrom(...COLUMN_TYPES)),
    severity: fc.constantFrom(...SEVERITIES),
    verdict: fc.constantFrom(
      'stable' as const,
      'drift' as const,
      'inconclusive' as const,
      'skipped' as const,
    ),
    checks: fc.array(anyCheck, { maxLength: 4 }),
    minimumDetectableEffect: maybeNumber,
    reference: fc.option(anySide),
    current: fc.option(anySide),
    shift: fc.option(
      fc.record({
        direction: fc.constantFrom(
          'up' as const,
          'down' as const,
          'spread' as const,
          'narrowed' as const,
          'none' as const,
        ),
        medianBefore: anyNumber,
        medianAfter: anyNumber,
        location: anyNumber,
        referenceShare: share,
        currentShare: share,
      }),
    ),
    outOfRange: fc.array(
      fc.record({
        side: fc.constantFrom('below' as const, 'above' as const),
        limit: anyNumber,
        reached: anyNumber,
        rows: anyNumber,
        share,
      }),
      { maxLength: 2 },
    ),
    categories: fc.option(
      fc.record({
        changed: fc.array(anyCategory, { maxLength: 3 }),
        unseen: fc.array(anyCategory, { maxLength: 3 }),
        unseenCount: anyNumber,
        gone: fc.array(anyCategory, { maxLength: 3 }),
        goneCount: anyNumber,
        bars: fc.array(anyCategory, { maxLength: 4 }),
      }),
    ),
    histogram: fc.option(fc.record({ edges: numbers(41), reference: numbers(40), current: numbers(40) })),
    ecdf: fc.option(fc.record({ values: numbers(50), reference: numbers(50), current: numbers(50) })),
    notes: fc.array(text, { maxLength: 2 }),
  })
  .map(({ column, ...more }) => columnOf(column, more));

const anyInterval = fc.option(fc.record({ value: anyNumber, low: maybeNumber, high: maybeNumber }));
const judged = {
  severity: fc.constantFrom(...SEVERITIES),
  verdict: fc.constantFrom('stable' as const, 'drift' as const, 'inconclusive' as const, 'skipped' as const),
  message: text,
  reason: fc.option(text),
};

const anyPerformance = fc
  .record({
    ...judged,
    reference: anyInterval,
    current: anyInterval,
    difference: anyInterval,
    loss: maybeNumber,
  })
  .map((metric) =>
    performanceOf({ metrics: [metricOf('rmse', { better: 'lower', ...metric })], notes: [metric.message] }),
  );

const anyMultivariate = fc
  .record({ ...judged, d: maybeNumber, column: text, aucLoss: anyNumber })
  .map(({ d, column, aucLoss, ...more }) => {
    const { classifier, reconstruction, ...section } = multivariateOf();
    return {
      ...section,
      skipped: [{ column, reason: more.message }],
      classifier: { ...classifier, ...more, drivers: [{ column, aucLoss }] },
      reconstruction: { ...reconstruction, ...more, d },
    };
  });

/**
 * Reports that the schema accepts and no comparison makes: lists that do not fit together, shares beyond 1, ranges as wide as doubles
 * go. A kept report may be any of them.
 */
export const anyReport: fc.Arbitrary<DriftReport> = fc
  .record({
    columns: fc.array(anyColumn, { maxLength: 5 }),
    notes: fc.array(text, { maxLength: 2 }),
    message: text,
    name: text,
    policy: fc.oneof(fc.constantFrom('mlops-2', 'pvalue-1', 'psi-1'), text),
    performance: fc.option(anyPerformance, { nil: undefined }),
    multivariate: fc.option(anyMultivariate, { nil: undefined }),
  })
  .map(({ columns, name, performance, multivariate, ...more }) => {
    const report = reportOf(columns, more);
    const named = { ...report.sources.reference, name };
    return ReportSchema.parse({
      ...report,
      sources: { reference: named, current: named },
      ...(performance === undefined ? {} : { performance }),
      ...(multivariate === undefined ? {} : { multivariate }),
    });
  });
