import { ksTest } from '../../../src/core/drift/statistics/ks.ts';
import { type Cell, wordOf } from './grid.ts';
import { rateOf } from './binomial.ts';
import { outcomeOf } from './outcome.ts';
import { Source } from './random.ts';
import { numeric, sampledSide } from './sampled-side.ts';

/** An autoregressive process of order 1 with standard normal values, each worth `phi` of the one before. */
export function autoregressive(source: Source, rows: number, phi: number): Float64Array {
  const values = new Float64Array(rows);
  const fresh = Math.sqrt(1 - phi * phi);
  let value = source.normal();
  for (let row = 0; row < rows; row += 1) {
    values[row] = value;
    value = phi * value + fresh * source.normal();
  }
  return values;
}

export interface DependentCells {
  /** Kolmogorov-Smirnov's p below .05 with all rows taken for independent, without a change. */
  readonly naive: Cell[];
  /** The verdict of the policy, without a change. */
  readonly alarms: Cell[];
  /** The same with the mean half a standard deviation higher. */
  readonly power: Cell[];
}

export async function dependenceGrid(
  phis: readonly number[],
  rowCounts: readonly number[],
  runsOf: (rows: number) => number,
): Promise<DependentCells> {
  const cells: DependentCells = { naive: [], alarms: [], power: [] };
  for (const phi of phis) {
    for (const rows of rowCounts) {
      const runs = runsOf(rows);
      const found = { naive: 0, alarms: 0, power: 0 };
      const word = wordOf(`phi ${phi} ${rows}`);
      for (let run = 0; run < runs; run += 1) {
        const source = new Source(word, run);
        const before = autoregressive(source, rows, phi);
        const after = autoregressive(source, rows, phi);
        const moved = after.map((value) => value + 0.5);
        const reference = (): ReturnType<typeof sampledSide> => sampledSide([numeric('x', before)]);
        const test = ksTest(before.toSorted(), after.toSorted());
        if (test.p < 0.05) found.naive += 1;
        if ((await outcomeOf(reference(), sampledSide([numeric('x', after)]))).alarmed.size > 0)
          found.alarms += 1;
        if ((await outcomeOf(reference(), sampledSide([numeric('x', moved)]))).alarmed.size > 0)
          found.power += 1;
      }
      for (const name of ['naive', 'alarms', 'power'] as const) {
        cells[name].push({ row: `phi ${phi}`, column: `${rows}/${rows}`, ...rateOf(found[name], runs) });
      }
    }
  }
  return cells;
}

export interface DuplicateCells {
  /** Runs that are called drift though nothing changed. */
  readonly alarms: Cell[];
  /** Runs whose report says that rows repeat. */
  readonly warned: Cell[];
}

/** Each current row `times` over, the copies one after the other or the whole file again and again. */
export async function duplicatesGrid(
  times: number,
  sizeTexts: readonly [number, number][],
  runs: number,
): Promise<DuplicateCells> {
  const cells: DuplicateCells = { alarms: [], warned: [] };
  for (const [rows, distinct] of sizeTexts) {
    for (const order of ['row by row', 'file by file'] as const) {
      const found = { alarms: 0, warned: 0 };
      const word = wordOf(`duplicates ${rows} ${distinct} ${order}`);
      for (let run = 0; run < runs; run += 1) {
        const source = new Source(word, run);
        const before = Float64Array.from({ length: rows }, () => source.normal());
        const once = Float64Array.from({ length: distinct }, () => source.normal());
        const after = Float64Array.from({ length: distinct * times }, (_, row) =>
          Number(order === 'row by row' ? once[Math.floor(row / times)] : once[row % distinct]),
        );
        const repeated = distinct * (times - 1);
        const outcome = await outcomeOf(
          sampledSide([numeric('x', before)]),
          sampledSide([numeric('x', after)], repeated),
        );
        if (outcome.alarmed.size > 0) found.alarms += 1;
        if (outcome.report.notes.some((note) => note.includes('repeat an earlier one'))) found.warned += 1;
      }
      const place = {
        row: `${distinct} rows, each ${times} times, ${order}`,
        column: `${rows}/${distinct * times}`,
      };
      for (const name of ['alarms', 'warned'] as const)
        cells[name].push({ ...place, ...rateOf(found[name], runs) });
    }
  }
  return cells;
}
