import { compareMultivariate } from '../../../src/core/drift/multivariate/compare.ts';
import type { AlignedRows } from '../../../src/storage/tables/table.ts';
import { rateOf } from './binomial.ts';
import { autoregressive } from './dependence.ts';
import { type Sizes, sizesOf, wordOf } from './grid.ts';
import { Source } from './random.ts';
import { type RealTable, split } from './real-data.ts';
import type { ResultCell } from './results.ts';

/** Six standard normal columns, each two correlated by `rho`, and one of eight levels. */
export function correlated(source: Source, rows: number, rho: number): AlignedRows {
  const common = Float64Array.from({ length: rows }, () => source.normal());
  const numbers = Array.from({ length: 6 }, (_, index) => ({
    name: `number ${index}`,
    type: 'numeric' as const,
    values: common.map((value) => Math.sqrt(rho) * value + Math.sqrt(1 - rho) * source.normal()),
  }));
  const levels = {
    name: 'level',
    type: 'categorical' as const,
    codes: Int32Array.from({ length: rows }, () => source.whole(8)),
    levels: Array.from({ length: 8 }, (_, level) => `level ${level}`),
  };
  return { rows, totalRows: rows, columns: [...numbers, levels] };
}

/** Four autoregressive columns. */
export function dependent(source: Source, rows: number, phi: number): AlignedRows {
  const columns = Array.from({ length: 4 }, (_, index) => ({
    name: `number ${index}`,
    type: 'numeric' as const,
    values: autoregressive(source, rows, phi),
  }));
  return { rows, totalRows: rows, columns };
}

export function alignedRows(table: RealTable): AlignedRows {
  const columns = table.columns.map((column) => {
    if (column.type === 'numeric') return column;
    const levels = [...new Set(column.values.filter((value) => value !== null))];
    const codes = new Map(levels.map((level, code) => [level, code]));
    return {
      name: column.name,
      type: column.type,
      levels,
      codes: Int32Array.from(column.values, (value) => (value === null ? -1 : (codes.get(value) ?? -1))),
    };
  });
  return { rows: table.rows, totalRows: table.rows, columns };
}

export interface Drawn {
  readonly name: string;
  readonly sidesOf: (source: Source, sizes: Sizes) => { reference: AlignedRows; current: AlignedRows };
}

export const UNCHANGED: readonly Drawn[] = [
  {
    name: 'no change, independent columns',
    sidesOf: (source, { reference, current }) => ({
      reference: correlated(source, reference, 0),
      current: correlated(source, current, 0),
    }),
  },
  {
    name: 'no change, correlation 0.5',
    sidesOf: (source, { reference, current }) => ({
      reference: correlated(source, reference, 0.5),
      current: correlated(source, current, 0.5),
    }),
  },
  ...[0.5, 0.9].map((phi) => ({
    name: `no change, rows with phi ${phi}`,
    sidesOf: (source: Source, { reference, current }: Sizes) => ({
      reference: dependent(source, reference, phi),
      current: dependent(source, current, phi),
    }),
  })),
];

export const CHANGED: readonly Drawn[] = [0.3, 0.5].map((rho) => ({
  name: `correlation 0 -> ${rho}, each column unchanged`,
  sidesOf: (source, { reference, current }) => ({
    reference: correlated(source, reference, 0),
    current: correlated(source, current, rho),
  }),
}));

export function randomHalves(table: RealTable): Drawn {
  return {
    name: `random halves of ${table.name}`,
    sidesOf: (source) => {
      const { reference, current } = split(table, source, 0.5);
      return { reference: alignedRows(reference), current: alignedRows(current) };
    },
  };
}

/** How often the section, and each of its checks, is called drift at alpha .01, and the p of the classifier is .05 or less. */
export function multivariateRates({ name, sidesOf }: Drawn, sizeText: string, runs: number): ResultCell {
  const found = { any: 0, classifier: 0, reconstruction: 0, p05: 0 };
  const word = wordOf(`${name} ${sizeText}`);
  for (let run = 0; run < runs; run += 1) {
    const sides = sidesOf(new Source(word, run), sizesOf(sizeText));
    const section = compareMultivariate(sides, { alpha: 0.01, seed: run });
    if (section.verdict === 'drift') found.any += 1;
    if (section.classifier.verdict === 'drift') found.classifier += 1;
    if (section.reconstruction.verdict === 'drift') found.reconstruction += 1;
    if ((section.classifier.pValue ?? 1) <= 0.05) found.p05 += 1;
  }
  const more = {
    classifier: rateOf(found.classifier, runs),
    reconstruction: rateOf(found.reconstruction, runs),
    p05: rateOf(found.p05, runs),
  };
  return { row: name, column: sizeText, ...rateOf(found.any, runs), more };
}
