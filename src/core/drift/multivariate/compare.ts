import type { AlignedRows } from '../../../storage/tables/table.ts';
import { highest } from '../verdict.ts';
import { binColumn } from './binned.ts';
import { chooseColumns } from './columns.ts';
import { largestDesignEffect } from './design-effect.ts';
import { classifyDomains } from './domain-classifier.ts';
import { generatorOf } from './generator.ts';
import { compareReconstruction } from './reconstruction.ts';
import type { MultivariateSection } from './section.ts';

export interface MultivariateOptions {
  /** Chance that a run without a change is called drift, both checks together. */
  readonly alpha: number;
  /** The same seed gives the same section for the same rows; 0 unless told. */
  readonly seed?: number | undefined;
}

/**
 * Looks at all columns of a row together, for changes that no column shows by itself: a classifier that tries to tell the sides apart, and
 * the reconstruction error of principal components.
 *
 * @param sides rows of both, in row order, with those columns that are to be looked at (features, not target or prediction)
 */
export function compareMultivariate(
  { reference, current }: { readonly reference: AlignedRows; readonly current: AlignedRows },
  { alpha, seed = 0 }: MultivariateOptions,
): MultivariateSection {
  const { columns, skipped } = chooseColumns(reference, current);
  const random = generatorOf(seed);
  const half = alpha / 2;
  const classifier = classifyDomains(
    {
      columns: columns.map(binColumn),
      referenceRows: reference.rows,
      currentRows: current.rows,
      designEffect: largestDesignEffect(columns),
    },
    { alpha: half, random },
  );
  const reconstruction = compareReconstruction(columns, { alpha: half });
  return {
    ...overall([classifier, reconstruction]),
    alpha,
    seed,
    rows: { reference: reference.rows, current: current.rows },
    columns: columns.map(({ name }) => name),
    skipped: [...skipped],
    classifier,
    reconstruction,
    notes: [reference, current].flatMap(({ rows, totalRows }, side) =>
      rows < totalRows
        ? [
            `${rows} of ${totalRows} ${side === 0 ? 'reference' : 'current'} rows were looked at, drawn at random`,
          ]
        : [],
    ),
  };
}

type Part = Pick<MultivariateSection, 'severity' | 'verdict' | 'message'>;

function overall(parts: readonly Part[]): Part {
  const severity = highest(parts.map((part) => part.severity));
  for (const verdict of ['drift', 'inconclusive', 'stable'] as const) {
    const found = parts.filter((part) => part.verdict === verdict);
    if (found.length > 0)
      return { severity, verdict, message: found.map(({ message }) => message).join('; ') };
  }
  return { severity, verdict: 'skipped', message: parts[0]?.message ?? '' };
}
