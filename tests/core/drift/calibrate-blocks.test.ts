import { describe, expect, it } from 'vitest';
import { calibrate } from '../../../src/core/drift/calibrate.ts';
import { splitRows, type SplitOptions } from '../../../src/core/drift/calibrate-blocks.ts';
import { calibrationSettings } from '../../../src/core/drift/calibrate-result.ts';
import { compareSides } from '../../../src/core/drift/compare.ts';
import { resolvePolicy } from '../../../src/core/drift/policy/resolve.ts';
import type { Side } from '../../../src/core/drift/side.ts';
import type { ColumnSummary, PinnedColumn } from '../../../src/core/drift/summary.ts';
import type { AlignedRows } from '../../../src/storage/tables/table.ts';
import { alignedRows } from './support/aligned-rows.ts';
import { column, memorySide, type Cell } from './support/memory-side.ts';
import { Random } from './support/random.ts';

const pin = (name: string, type: PinnedColumn['type'] = 'numeric'): PinnedColumn => ({
  name,
  type,
  reason: 'the test',
});

const options = (rest: Partial<SplitOptions> = {}): SplitOptions => ({
  name: 'train.csv',
  pinned: [pin('row')],
  source: 'time',
  batchRows: 10,
  budget: 0.1,
  seed: 0,
  ...rest,
});

/** Rows that say which they are. */
const numbered = (rows: number): AlignedRows =>
  alignedRows({ row: Array.from({ length: rows }, (_, row) => row) });

async function summaryOf(side: Side, pinned: PinnedColumn): Promise<ColumnSummary> {
  for await (const summary of await side.read([pinned])) return summary;
  throw new Error('nothing was read');
}

async function valuesOf(side: Side, name = 'row'): Promise<number[]> {
  const summary = await summaryOf(side, pin(name));
  return 'distribution' in summary ? [...summary.distribution.values] : [];
}

async function parts(
  rows: AlignedRows,
  split: SplitOptions,
): Promise<{ reference: number[]; batches: number[][] }> {
  const { reference, batches } = splitRows(rows, split);
  const opened = await Promise.all(batches.map((batch) => batch.open()));
  return {
    reference: await valuesOf((await reference()).side),
    batches: await Promise.all(opened.map(({ side }) => valuesOf(side))),
  };
}

describe('splitRows', () => {
  it('makes blocks of one size of the second half, and a reference of what lies before', async () => {
    const { reference, batches } = await parts(numbered(205), options());
    expect(batches).toHaveLength(10);
    expect(reference).toEqual(Array.from({ length: 105 }, (_, row) => row));
    expect(batches.flat()).toEqual(Array.from({ length: 100 }, (_, row) => 105 + row));
    expect(batches.every((batch) => batch.length === 10)).toBe(true);
  });

  it('names the rows of a block as people count', () => {
    const { batches } = splitRows(numbered(205), options());
    expect(batches[0]?.name).toBe('train.csv, rows 106 to 115');
  });

  it('draws rows at random, each once and the same ones for the same seed', async () => {
    const draw = (seed: number) => parts(numbered(300), options({ source: 'random', seed }));
    const { reference, batches } = await draw(1);
    expect([...reference, ...batches.flat()].toSorted((x, y) => x - y)).toEqual(
      Array.from({ length: 300 }, (_, row) => row),
    );
    const early = batches.flat().filter((row) => row < 150).length;
    expect(early).toBeGreaterThan(50);
    expect(early).toBeLessThan(100);
    expect(await draw(1)).toEqual({ reference, batches });
    expect(await draw(2)).not.toEqual({ reference, batches });
  });

  it('puts rows in the order of a column, those without a value first', async () => {
    const rows = alignedRows(
      {
        row: Array.from({ length: 200 }, (_, row) => row),
        at: Array.from({ length: 200 }, (_, row) => (row === 199 ? Number.NaN : 1000 - row)),
      },
      { datetimes: ['at'] },
    );
    const { reference, batches } = await parts(rows, options({ orderBy: 'at' }));
    expect(reference).toContain(199);
    expect(batches.at(-1)).toEqual(Array.from({ length: 10 }, (_, row) => row));
    expect(() => splitRows(rows, options({ orderBy: 'when' }))).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_COLUMN' }) as Error,
    );
    const levels = alignedRows({ row: [1, 2], kind: ['a', 'b'] });
    expect(() => splitRows({ ...levels, rows: 200, totalRows: 200 }, options({ orderBy: 'kind' }))).toThrow(
      'holds neither numbers nor times',
    );
  });

  it('says how many rows it takes where there are too few', () => {
    expect(() => splitRows(numbered(170), options())).toThrow(
      expect.objectContaining({
        code: 'TOO_FEW_ROWS',
        exitCode: 2,
        message:
          '170 rows give 8 blocks of 10 in their second half: 9 are needed for one false alarm in 10 batches',
        hint: 'it takes 180 rows; allow more false alarms with --budget, or name past batches',
      }) as Error,
    );
    expect(splitRows(numbered(180), options()).batches).toHaveLength(9);
  });

  it('does not take a sample for rows in their order', () => {
    const sampled = { ...numbered(300), totalRows: 3000 };
    expect(() => splitRows(sampled, options())).toThrow(
      expect.objectContaining({ code: 'TOO_MANY_ROWS' }) as Error,
    );
    expect(splitRows(sampled, options({ source: 'random' })).batches).toHaveLength(15);
  });

  it('makes no more blocks than tell something, unless the budget needs them', () => {
    expect(splitRows(numbered(6000), options({ batchRows: 10 })).batches).toHaveLength(200);
    expect(splitRows(numbered(6000), options({ batchRows: 10, budget: 1 / 300 })).batches).toHaveLength(299);
  });

  it('summarises every type as reading the rows would', async () => {
    const random = new Random(4);
    const rows = 400;
    const cells: Record<string, Cell[]> = {
      number: random.numbers(rows, (each) => (each.next() < 0.1 ? Number.NaN : each.normal())),
      time: random.numbers(rows, (each) => each.whole(1e9)),
      level: random.levels(rows, [0.5, 0.3, 0.2]).map((level) => (random.next() < 0.1 ? null : level)),
      text: random
        .numbers(rows)
        .map((value) => (value > 1.5 ? null : value < -1 ? '' : `Größe ${value.toFixed(2)} !`)),
    };
    const aligned = alignedRows(cells as Record<string, number[]>, { datetimes: ['time'], texts: ['text'] });
    const pinned = [pin('number'), pin('time', 'datetime'), pin('level', 'categorical'), pin('text', 'text')];
    const { batches } = splitRows(aligned, options({ pinned, batchRows: 20 }));
    const last = (await batches.at(-1)?.open())?.side;
    const asNulls = (values: readonly Cell[]): Cell[] =>
      values.map((cell) => (Number.isNaN(cell) ? null : cell));
    const expected = memorySide(
      Object.entries(cells).map(([name, values]) =>
        column(
          name,
          asNulls(values.slice(-20)).map((cell) => (name === 'time' ? new Date(cell as number) : cell)),
        ),
      ),
    );
    for (const each of pinned) {
      expect(last && (await summaryOf(last, each))).toEqual(await summaryOf(expected, each));
    }
  });
});

describe('calibrate on blocks', () => {
  const ROWS = 8000;
  const walk = (random: Random): number[] =>
    Array.from({ length: ROWS }, (_, row) => random.normal(0.6 * Math.sin((row / ROWS) * 40)));
  const data = (): AlignedRows => {
    const random = new Random(21);
    return alignedRows({ moving: walk(random), still: random.numbers(ROWS) });
  };
  const pinned = [pin('moving'), pin('still')];
  const calibrated = (source: 'time' | 'random') =>
    calibrate(splitRows(data(), options({ pinned, source, batchRows: 200, budget: 0.1 })), {
      policy: resolvePolicy({}),
      budget: 0.1,
      source,
    });

  it('finds what moves with time in blocks of neighbouring rows, and next to nothing in drawn ones', async () => {
    const time = await calibrated('time');
    expect(time.comparisons).toBe(20);
    expect(time.rows).toEqual({ reference: 4000, smallestBatch: 200, largestBatch: 200 });
    expect(time.floors.map((floor) => floor.column)).toContain('moving');
    expect(time.floors.filter((floor) => floor.limit === 'D').map((floor) => floor.column)).toEqual([
      'moving',
    ]);
    const random = await calibrated('random');
    expect(random.floors.filter(({ limit }) => limit === 'D' || limit === 'W')).toEqual([]);
  });

  it('gives floors by which every block passes', async () => {
    const { reference, batches } = splitRows(data(), options({ pinned, batchRows: 200, budget: 0.1 }));
    const calibration = calibrationSettings(await calibrated('time'), new Date('2026-11-23T10:15:00Z'));
    const policy = resolvePolicy({ config: [{ origin: 'config.json', settings: { calibration } }] });
    const { side } = await reference();
    for (const batch of batches) {
      const report = await compareSides(side, (await batch.open()).side, { policy });
      expect(report.failed).toBe(false);
    }
  });
});
