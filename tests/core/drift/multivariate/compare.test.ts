import { describe, expect, it } from 'vitest';
import { compareMultivariate } from '../../../../src/core/drift/multivariate/compare.ts';
import { MultivariateSection } from '../../../../src/core/drift/multivariate/section.ts';
import type { AlignedRows } from '../../../../src/storage/tables/table.ts';
import { alignedRows } from '../support/aligned-rows.ts';
import { Random } from '../support/random.ts';

/** The section, held against its published shape: no NaN, no infinity. */
function compared(reference: AlignedRows, current: AlignedRows, seed = 0): MultivariateSection {
  const section = compareMultivariate({ reference, current }, { alpha: 0.01, seed });
  return MultivariateSection.parse(JSON.parse(JSON.stringify(section)));
}

/** Six standard normal columns, each pair correlated by `rho`, and one of levels. */
function normals(random: Random, rows: number, rho = 0): Record<string, number[] | string[]> {
  const common = random.numbers(rows);
  const columns: [string, number[] | string[]][] = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [
    name,
    common.map((value) => Math.sqrt(rho) * value + Math.sqrt(1 - rho) * random.normal()),
  ]);
  return Object.fromEntries([...columns, ['level', random.levels(rows, [4, 2, 1, 1])]]);
}

describe('compareMultivariate', () => {
  it('finds no drift where there is none', () => {
    const random = new Random(1);
    const section = compared(alignedRows(normals(random, 1500)), alignedRows(normals(random, 1500)));
    expect(section).toMatchObject({ verdict: 'stable', severity: 'none', seed: 0 });
    expect(section.classifier.auc?.value).toBeGreaterThan(0.45);
    expect(section.classifier.auc?.value).toBeLessThan(0.55);
    expect(section.classifier.auc?.low).toBeLessThan(0.5);
    expect(section.classifier.drivers).toEqual([]);
    expect(section.reconstruction.pValue).toBeGreaterThan(0.005);
    expect(section.columns).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'level']);
  });

  it('finds columns that hang together differently, which no column shows by itself', () => {
    const random = new Random(2);
    const section = compared(alignedRows(normals(random, 1500)), alignedRows(normals(random, 1500, 0.5)));
    expect(section.verdict).toBe('drift');
    expect(section.classifier).toMatchObject({ verdict: 'drift', severity: 'critical' });
    expect(section.classifier.auc?.low).toBeGreaterThan(0.6);
    expect(section.message).toContain('tells current from reference rows');
  });

  it('finds by the reconstruction error that columns no longer hang together', () => {
    const random = new Random(20);
    const section = compared(alignedRows(normals(random, 600, 0.8)), alignedRows(normals(random, 600)));
    const { reconstruction } = section;
    expect(reconstruction).toMatchObject({ verdict: 'drift', severity: 'critical' });
    expect(reconstruction.current?.low).toBeGreaterThan(reconstruction.reference?.high ?? NaN);
    expect(reconstruction.explained).toBeGreaterThan(0.65);
    expect(reconstruction.message).toContain('no longer hang together');
  });

  it('says which columns it tells the sides apart by', () => {
    const random = new Random(3);
    const moved = normals(random, 1000);
    const section = compared(
      alignedRows(normals(random, 1000)),
      alignedRows({ ...moved, c: (moved['c'] as number[]).map((value) => value + 1) }),
    );
    expect(section.classifier.drivers[0]?.column).toBe('c');
    expect(section.classifier.drivers[0]?.aucLoss).toBeGreaterThan(0.15);
    expect(section.classifier.message).toContain('most by `c`');
  });

  it('sees changed levels, new ones and missing cells', () => {
    const random = new Random(4);
    const before = alignedRows({ x: random.numbers(800), level: random.levels(800, [1, 1, 1, 1]) });
    const other = alignedRows({ x: random.numbers(800), level: random.levels(800, [3, 1, 1, 1]) });
    expect(compared(before, other).classifier.drivers[0]?.column).toBe('level');
    const renamed = alignedRows({
      x: random.numbers(800),
      level: random.levels(800, [1, 1, 1, 1]).map((level) => (level === 'level 2' ? 'other' : level)),
    });
    expect(compared(before, renamed).classifier.severity).toBe('high');
    const holes = alignedRows({
      x: random.numbers(800).map((value) => (random.next() < 0.3 ? NaN : value)),
      level: random.levels(800, [1, 1, 1, 1]),
    });
    expect(compared(before, holes).classifier.drivers[0]?.column).toBe('x');
  });

  it('has an AUC that is the one of the best rule where columns move', () => {
    // Normal values a standard deviation apart: P(x > y) = Phi(1 / sqrt 2).
    const random = new Random(5);
    const section = compared(
      alignedRows({ x: random.numbers(4000), y: random.numbers(4000) }),
      alignedRows({ x: random.numbers(4000, (r) => r.normal(1)), y: random.numbers(4000) }),
    );
    expect(section.classifier.auc?.value).toBeCloseTo(0.76, 1);
    expect(section.classifier.auc?.low).toBeLessThan(0.7602);
    expect(section.classifier.auc?.high).toBeGreaterThan(0.7602);
  });

  it('gives the same section for the same seed', () => {
    const random = new Random(6);
    const [before, after] = [alignedRows(normals(random, 300)), alignedRows(normals(random, 300, 0.2))];
    expect(compared(before, after, 7)).toEqual(compared(before, after, 7));
    expect(compared(before, after, 8).classifier.auc).not.toEqual(compared(before, after, 7).classifier.auc);
  });

  it('is inconclusive where rows are too few', () => {
    const random = new Random(7);
    const section = compared(alignedRows(normals(random, 30)), alignedRows(normals(random, 30)));
    expect(section.verdict).toBe('inconclusive');
    expect(section.classifier).toMatchObject({ auc: null, pValue: null, reason: 'each side needs 50 rows' });
    expect(section.reconstruction.reason).toBe('it takes 40 reference and 20 current rows');
    const few = compared(alignedRows(normals(random, 100)), alignedRows(normals(random, 100)));
    expect(few.classifier.verdict).toBe('inconclusive');
  });

  it('leaves out what tells rows apart and not data sets, with the reason', () => {
    const random = new Random(8);
    const side = (from: number) =>
      alignedRows(
        {
          x: random.numbers(200),
          y: random.numbers(200),
          row: Array.from({ length: 200 }, (_, row) => from + row),
          name: Array.from({ length: 200 }, (_, row) => `name ${from + row}`),
          time: Array.from({ length: 200 }, (_, row) => 1e12 + from * 1000 + row),
          comment: Array.from({ length: 200 }, () => 'some text'),
          same: Array.from({ length: 200 }, () => 1),
          word: Array.from({ length: 200 }, () => 'same'),
        },
        { datetimes: ['time'], texts: ['comment'] },
      );
    const section = compared(side(0), side(200));
    expect(section.columns).toEqual(['x', 'y']);
    expect(Object.fromEntries(section.skipped.map(({ column, reason }) => [column, reason]))).toEqual({
      row: 'it numbers the rows',
      name: 'nearly every row has a level of its own',
      time: 'times of two batches differ by their nature',
      comment: 'free text is not looked at',
      same: 'it is constant',
      word: 'it is constant',
    });
  });

  it('skips where there is nothing to learn from, and a column that one side lacks', () => {
    const random = new Random(9);
    const constant = alignedRows({ same: Array.from({ length: 200 }, () => 1) });
    expect(compared(constant, constant)).toMatchObject({ verdict: 'skipped', columns: [] });
    const section = compared(
      alignedRows({ x: random.numbers(100), gone: random.numbers(100) }),
      alignedRows({ x: random.numbers(100) }),
    );
    expect(section.skipped).toEqual([{ column: 'gone', reason: 'the current data does not have it' }]);
    expect(section.reconstruction).toMatchObject({
      verdict: 'skipped',
      reason: 'fewer than two columns vary',
    });
  });

  it('survives values as far apart as numbers go', () => {
    const random = new Random(10);
    const wild = () =>
      random.numbers(200, (r) => (r.next() < 0.1 ? 1.7e308 : r.next() < 0.1 ? -1.7e308 : r.normal()));
    const section = compared(
      alignedRows({ x: wild(), y: wild(), z: random.numbers(200) }),
      alignedRows({ x: wild(), y: wild(), z: random.numbers(200) }),
    );
    expect(section.verdict).not.toBe('drift');
  });

  it('says where rows are a sample', () => {
    const random = new Random(11);
    const sampled = alignedRows(normals(random, 100), { totalRows: 5000 });
    expect(compared(sampled, alignedRows(normals(random, 100))).notes).toEqual([
      '100 of 5000 reference rows were looked at, drawn at random',
    ]);
  });

  it('names columns by values, so that a column may be called __proto__', () => {
    const random = new Random(12);
    const side = (by: number): AlignedRows => ({
      totalRows: 300,
      rows: 300,
      columns: ['__proto__', 'constructor'].map((name) => ({
        name,
        type: 'numeric',
        values: Float64Array.from({ length: 300 }, () => random.normal(by)),
      })),
    });
    const section = compared(side(0), side(1));
    expect(section.columns).toEqual(['__proto__', 'constructor']);
    expect(section.classifier.drivers.map(({ column }) => column)).toContain('__proto__');
  });
});
