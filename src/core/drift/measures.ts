import { type Distribution, shareOf, shareUpTo } from './distribution.ts';
import { drawn } from './draw.ts';
import type { Measure } from './report.ts';
import { andersonDarling } from './statistics/anderson-darling.ts';
import { type Counts, sumOf } from './statistics/counts.ts';
import { cramerVonMises } from './statistics/cramer-von-mises.ts';
import { hellinger, jensenShannon, kullbackLeibler, totalVariation } from './statistics/distances.ts';
import { mannWhitney } from './statistics/mann-whitney.ts';
import { decileEdges, psi, type Psi } from './statistics/psi.ts';
import { energyDistance } from './statistics/transport.ts';

/** Values of each side that the measures by rank are computed on: they gate nothing, and are known to three digits then. */
const MEASURED_VALUES = 20_000;

/** Rows of each side in the same bins or levels. */
export interface Binned {
  readonly reference: Counts;
  readonly current: Counts;
}

/**
 * The rows of both sides between the deciles of the reference. Where all deciles are one value: the rows that have it, and the others. Both
 * sides must have values.
 *
 * Where a side is a profile, whose shares are known within its error, the other side's bins are as near to it as they may be.
 */
export function decileBins(reference: Distribution, current: Distribution): Binned {
  const edges = [...decileEdges(reference.values)];
  if (edges.length === 0) return binsOfOneValue(reference, current);
  const shares = (side: Distribution): number[] => {
    const upTo = edges.map((edge) => shareUpTo(side, edge));
    return [...upTo, 1].map((share, bin) => Math.max(0, share - (upTo[bin - 1] ?? 0)));
  };
  const first = shares(reference);
  const slack = 2 * (reference.error + current.error);
  const second = shares(current).map((share, bin) => nearer(share, first[bin] as number, slack));
  return {
    reference: first.map((share) => Math.round(share * reference.rows)),
    current: second.map((share) => Math.round(share * current.rows)),
  };
}

function binsOfOneValue(reference: Distribution, current: Distribution): Binned {
  const value = reference.values[reference.values.length - 1] as number;
  const before = shareOf(reference, value).most;
  const after = shareOf(current, value);
  const share = Math.min(after.most, Math.max(after.least, before));
  const counts = (part: number, rows: number): number[] => [
    Math.round(part * rows),
    rows - Math.round(part * rows),
  ];
  return { reference: counts(before, reference.rows), current: counts(share, current.rows) };
}

function nearer(share: number, target: number, slack: number): number {
  return share > target ? Math.max(target, share - slack) : Math.min(target, share + slack);
}

/** PSI of bins of which a side may be empty after rounding; null then. */
export function stabilityIndex({ reference, current }: Binned): Psi | null {
  return sumOf(reference) === 0 || sumOf(current) === 0 ? null : psi(reference, current);
}

/** The measures of shares, over decile bins or levels. */
export function measuresOfBins(bins: Binned): Measure[] {
  const index = stabilityIndex(bins);
  if (index === null) return [];
  const { reference, current } = bins;
  return [
    { name: 'psi', value: index.psi, pValue: null, null95: index.null95, reason: null },
    measure('jensenShannon', jensenShannon(reference, current).base2),
    measure('kullbackLeibler', kullbackLeibler(reference, current), {
      otherwise: 'infinite: the current data has no row where the reference has some',
    }),
    measure('hellinger', hellinger(reference, current)),
    measure('totalVariation', totalVariation(reference, current)),
  ];
}

/** The measures of ordered values. Both sides must have values; those of a profile are its quantiles, from which only distances are told. */
export function measuresOfValues(
  reference: Distribution,
  current: Distribution,
  wasserstein: number | null,
): Measure[] {
  const overflow = 'the values are too large for a finite number';
  const x = drawn(reference.values, MEASURED_VALUES);
  const y = drawn(current.values, MEASURED_VALUES);
  const isDrawn = x.length < reference.values.length || y.length < current.values.length;
  const remark = isDrawn ? `of ${MEASURED_VALUES} values drawn from a side` : null;
  const distances = [
    measure('energyDistance', energyDistance(x, y), { remark, otherwise: overflow }),
    measure('wasserstein', wasserstein ?? Infinity, { otherwise: overflow }),
  ];
  if (reference.error > 0 || current.error > 0) {
    const otherwise = 'a profile does not keep the rows that it needs';
    return [
      ...['andersonDarling', 'cramerVonMises', 'mannWhitney'].map((name) =>
        measure(name, Infinity, { otherwise }),
      ),
      ...distances,
    ];
  }
  const anderson = andersonDarling(x, y);
  const cramer = cramerVonMises(x, y);
  const mann = mannWhitney(x, y);
  const ended =
    anderson.clipped === null
      ? null
      : `p is ${anderson.clipped === 'lower' ? 'at most .001' : 'at least .25'}`;
  return [
    measure('andersonDarling', anderson.statistic, {
      p: anderson.p,
      remark: [ended, remark].filter((text) => text !== null).join(', ') || null,
    }),
    measure('cramerVonMises', cramer.statistic, { p: cramer.p, remark }),
    measure('mannWhitney', mann.superiority, { p: mann.p, remark }),
    ...distances,
  ];
}

interface Remarks {
  p?: number;
  /** Beside a finite value. */
  remark?: string | null;
  /** Why there is no value, where it is not finite. */
  otherwise?: string;
}

function measure(name: string, value: number, { p, remark, otherwise }: Remarks = {}): Measure {
  const isFinite = Number.isFinite(value);
  return {
    name,
    value: isFinite ? value : null,
    pValue: isFinite && p !== undefined && Number.isFinite(p) ? p : null,
    null95: null,
    reason: isFinite ? (remark ?? null) : (otherwise ?? 'not a finite number'),
  };
}
