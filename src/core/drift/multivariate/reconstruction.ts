import { mean as meanOf, sampleStandardDeviation } from 'simple-statistics';
import type { Limits } from '../policy/limits.ts';
import { dependence } from '../statistics/autocorrelation.ts';
import { detectableKs } from '../statistics/detectable.ts';
import { CONFIDENCE, standardErrors } from '../statistics/intervals.ts';
import { ksTest } from '../statistics/ks.ts';
import { quantile } from '../statistics/quantiles.ts';
import { sortedCopy } from '../statistics/sorting.ts';
import { effectText, probability, short } from '../text-of.ts';
import type { SharedColumn } from './columns.ts';
import { foldsOf } from './generator.ts';
import { severityOf } from './judge.ts';
import { type Components, type NumberTable, principalComponents } from './principal-components.ts';
import type { ReconstructionReport } from './section.ts';

/** As those of D everywhere. */
const D_LIMITS: Limits = { medium: 0.1, high: 0.2, critical: 0.4 };
/** Share of the variance that the components are to explain. */
const EXPLAINED = 0.65;
export const LEAST_ROWS = 20;
const BLOCKS = 10;
const FEW_COLUMNS = 'fewer than two columns vary';
/** Pairs up to which p is exact. */
const EXACT_PAIRS = 1e7;

export interface ReconstructionOptions {
  readonly alpha: number;
}

/**
 * Whether the columns still hang together as they did: principal components of half of the reference leave of each row a rest, whose length is
 * compared between the other half and the current rows by Kolmogorov-Smirnov. Both are unknown to the components, so that without a change
 * they are drawn alike.
 *
 * Numbers are standardised, missing ones replaced by the median; levels are replaced by their share in the first half (the method of NannyML,
 * with a test out of sample in the place of three standard deviations).
 */
export function compareReconstruction(
  columns: readonly SharedColumn[],
  { alpha }: ReconstructionOptions,
): ReconstructionReport {
  if (columns.length < 2) return withoutResult(FEW_COLUMNS, false);
  const rows = { reference: rowsOf(columns, 'reference'), current: rowsOf(columns, 'current') };
  const isTooFew = rows.reference < 2 * LEAST_ROWS || rows.current < LEAST_ROWS;
  if (isTooFew)
    return withoutResult(`it takes ${2 * LEAST_ROWS} reference and ${LEAST_ROWS} current rows`, true);
  // Blocks in turn, so that both halves are of all times of a file in the order of time.
  const blocks = foldsOf(rows.reference, BLOCKS);
  const learnt = indices(rows.reference, (row) => (blocks[row] as number) % 2 === 0);
  const held = indices(rows.reference, (row) => (blocks[row] as number) % 2 === 1);
  const encoders = columns.map((column) => encoderOf(column, learnt));
  const encode = (side: Side, chosen: Uint32Array): NumberTable =>
    encoded({ columns, encoders, side }, chosen);
  const components = principalComponents(encode('reference', learnt), EXPLAINED);
  if (components === undefined) return withoutResult(FEW_COLUMNS, false);
  const before = errorsOf(components, encode('reference', held));
  const after = errorsOf(
    components,
    encode(
      'current',
      indices(rows.current, () => true),
    ),
  );
  return judge(components, { before, after }, alpha);
}

type Side = 'reference' | 'current';

function rowsOf(columns: readonly SharedColumn[], side: Side): number {
  return columns[0]?.[side].length ?? 0;
}

function indices(rows: number, wanted: (row: number) => boolean): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row).filter(wanted);
}

/** The number of a cell. */
type Encoder = (side: Side, row: number) => number;

function encoderOf(column: SharedColumn, learnt: Uint32Array): Encoder {
  if (column.kind === 'numbers') {
    const known = sortedCopy(
      Float64Array.from(learnt, (row) => column.reference[row] as number).filter(
        (value) => !Number.isNaN(value),
      ),
    );
    const median = known.length === 0 ? 0 : quantile(known, 0.5);
    return (side, row) => {
      const value = column[side][row] as number;
      return Number.isNaN(value) ? median : value;
    };
  }
  const counts = new Map<string | null, number>();
  for (const row of learnt) {
    const level = column.reference[row] ?? null;
    counts.set(level, (counts.get(level) ?? 0) + 1);
  }
  return (side, row) => (counts.get(column[side][row] ?? null) ?? 0) / learnt.length;
}

interface Encoding {
  readonly columns: readonly SharedColumn[];
  readonly encoders: readonly Encoder[];
  readonly side: Side;
}

function encoded({ columns, encoders, side }: Encoding, rows: Uint32Array): NumberTable {
  const values = new Float64Array(rows.length * columns.length);
  for (const [at, row] of rows.entries()) {
    for (const [column, encode] of encoders.entries())
      values[at * columns.length + column] = encode(side, row);
  }
  return { rows: rows.length, columns: columns.length, values };
}

function errorsOf({ errorOf }: Components, table: NumberTable): Float64Array {
  // A value far beyond all others may overflow; it is as far off as a number can be.
  return Float64Array.from({ length: table.rows }, (_, row) => {
    const error = errorOf(table, row);
    return Number.isFinite(error) ? error : Number.MAX_VALUE;
  });
}

function judge(
  { count, explained }: Components,
  { before, after }: { before: Float64Array; after: Float64Array },
  alpha: number,
): ReconstructionReport {
  const effective = {
    reference: dependence(before).effectiveRows,
    current: dependence(after).effectiveRows,
  };
  const { d, p } = ksTest(sortedCopy(before), sortedCopy(after), { effective, pairs: EXACT_PAIRS });
  const detectable = detectableKs(effective, alpha);
  const severity = p <= alpha ? severityOf(d, D_LIMITS) : 'none';
  const isDrift = severity !== 'none' && severity !== 'low';
  const couldTell = detectable !== null && detectable <= D_LIMITS.medium;
  const change = `reconstruction error ${short(mean(before))} -> ${short(mean(after))} with ${count} principal components`;
  return {
    components: count,
    explained,
    reference: interval(before, effective.reference),
    current: interval(after, effective.current),
    d,
    pValue: p,
    ...D_LIMITS,
    severity,
    verdict: isDrift ? 'drift' : severity === 'low' || couldTell ? 'stable' : 'inconclusive',
    message: `${change} (D=${effectText(d)}, p=${probability(p)})${isDrift ? ': the columns no longer hang together as they did' : ''}`,
    reason: null,
  };
}

function mean(errors: Float64Array): number {
  return Math.min(Number.MAX_VALUE, meanOf(Array.from(errors)));
}

/** Of the mean. */
function interval(errors: Float64Array, effectiveRows: number): ReconstructionReport['reference'] {
  const value = mean(errors);
  const reach =
    (standardErrors(CONFIDENCE) * sampleStandardDeviation(Array.from(errors))) / Math.sqrt(effectiveRows);
  if (!Number.isFinite(value) || !Number.isFinite(reach)) return null;
  return { value, low: Math.max(0, value - reach), high: value + reach };
}

function withoutResult(reason: string, isTooFew: boolean): ReconstructionReport {
  return {
    components: 0,
    explained: 0,
    reference: null,
    current: null,
    d: null,
    pValue: null,
    ...D_LIMITS,
    severity: 'none',
    verdict: isTooFew ? 'inconclusive' : 'skipped',
    message: `no principal components were compared: ${reason}`,
    reason,
  };
}
