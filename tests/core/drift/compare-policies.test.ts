import { describe, expect, test } from 'vitest';
import { checkOf, columnOf, compare } from './support/compare.ts';
import { column, memorySide, type MemoryColumn } from './support/memory-side.ts';
import { testPolicy } from './support/policy.ts';
import { Random } from './support/random.ts';

const normal = (seed: number, rows: number, mean = 0): number[] =>
  new Random(seed).numbers(rows, (random) => random.normal(mean));

/** 1 to `rows`, and the same moved by `by`: Kolmogorov-Smirnov's D is by / rows. */
function movedBy(by: number, rows = 100): [MemoryColumn[], MemoryColumn[]] {
  const values = new Random(rows).shuffled(Array.from({ length: rows }, (_, row) => row + 1));
  return [
    [column('x', values)],
    [
      column(
        'x',
        values.map((value) => value + by - 0.5),
      ),
    ],
  ];
}

describe('the policy pvalue', () => {
  const policy = testPolicy({ kind: 'pvalue' });

  // Exact p (Hodges 1958): .0539, .0364, .0156, .0099.
  test.each([
    [19, 'low', 'stable'],
    [20, 'medium', 'drift'],
    [22, 'medium', 'drift'],
    [23, 'high', 'drift'],
  ] as const)('D = 0.%i of 100 rows is %s', async (by, severity, verdict) => {
    const report = await compare(...movedBy(by), { policy });
    expect(columnOf(report, 'x')).toMatchObject({ severity, verdict });
    expect(report).toMatchObject({ policy: 'pvalue-1', alpha: 0.05, verdict, failed: verdict === 'drift' });
  });

  test('p is the one of the two samples, not corrected for the number of columns', async () => {
    const [reference, current] = movedBy(20);
    const others = (seed: number): MemoryColumn[] =>
      Array.from({ length: 20 }, (_, index) => column(`n${index}`, normal(seed + index, 100)));
    const report = await compare([...reference, ...others(1)], [...current, ...others(101)], { policy });
    const check = checkOf(report, 'x', 'distribution');
    expect(check.pValue).toBeCloseTo(0.0364, 4);
    expect(check.qValue).toBeGreaterThan(0.05);
    expect(check.verdict).toBe('drift');
    expect(columnOf(report, 'x').message).toMatch(/p=0\.036, n=100\/100$/);
  });

  test('nothing found is low, as the rule has it, and neither an alert nor a failure', async () => {
    const report = await compare([column('x', normal(1, 500))], [column('x', normal(2, 500))], {
      policy: testPolicy({ kind: 'pvalue', failOn: 'low' }),
    });
    expect(columnOf(report, 'x')).toMatchObject({ severity: 'low', verdict: 'stable' });
    expect(report).toMatchObject({ verdict: 'stable', alerts: [], failed: false });
  });

  test('a tiny change of many rows is drift, however small', async () => {
    const report = await compare([column('x', normal(1, 50_000))], [column('x', normal(2, 50_000, 0.03))], {
      policy,
    });
    expect(columnOf(report, 'x')).toMatchObject({ verdict: 'drift', severity: 'high' });
  });

  test('levels are held against one another by chi-square alone', async () => {
    const report = await compare(
      [column('c', new Random(1).levels(1000, [0.5, 0.5]))],
      [column('c', new Random(2).levels(1000, [0.55, 0.45]))],
      { policy },
    );
    expect(columnOf(report, 'c').checks.map(({ check, test: name }) => [check, name])).toEqual([
      ['distribution', 'chi2'],
    ]);
    expect(columnOf(report, 'c').verdict).toBe('drift');
  });

  test('dependent rows count in full, as the rule takes them, with a note', async () => {
    const rising = Array.from({ length: 1000 }, (_, row) => Math.sin(row / 40));
    const report = await compare(
      [column('x', rising)],
      [
        column(
          'x',
          rising.map((value) => value * 0.9),
        ),
      ],
      { policy },
    );
    expect(columnOf(report, 'x').notes.join()).toContain('which this policy does not take into account');
  });

  test('breaks of the schema stay critical, and what is not judged is noted', async () => {
    const report = await compare(
      [
        column('gone', normal(1, 200)),
        column('null', normal(2, 200)),
        column('holes', normal(3, 200)),
        column('typed', normal(4, 200)),
      ],
      [
        column('null', Array(200).fill(null)),
        column(
          'holes',
          normal(5, 200).map((value, row) => (row % 2 === 0 ? null : value)),
        ),
        column('typed', Array(200).fill('x')),
      ],
      { policy },
    );
    for (const name of ['gone', 'null', 'typed']) {
      expect(columnOf(report, name)).toMatchObject({ verdict: 'drift', severity: 'critical' });
    }
    expect(columnOf(report, 'holes')).toMatchObject({ verdict: 'stable' });
    expect(columnOf(report, 'holes').notes).toContain('this policy does not judge: nulls 0 % -> 50 %');
  });

  test('the same constant on both sides is stable', async () => {
    const report = await compare([column('x', [1, 1, 1])], [column('x', [1, 1])], { policy });
    expect(columnOf(report, 'x')).toMatchObject({ verdict: 'stable', severity: 'none' });
  });
});

describe('the policy psi', () => {
  const policy = testPolicy({ kind: 'psi' });
  /** Rows 10 to a decile of 1 to 100, in the numbers given. */
  const inDeciles = (counts: readonly number[]): number[] =>
    counts.flatMap((rows, decile) => Array<number>(rows).fill(decile * 10 + 5));
  const reference = new Random(1).shuffled(Array.from({ length: 1000 }, (_, row) => (row % 100) + 1));

  test.each([
    ['the same shares', [100, 100, 100, 100, 100, 100, 100, 100, 100, 100], 'none', 'stable'],
    ['some change', [150, 150, 100, 100, 100, 100, 100, 100, 50, 50], 'medium', 'drift'],
    ['much change', [190, 190, 100, 100, 100, 100, 100, 60, 30, 30], 'high', 'drift'],
  ] as const)('%s', async (_, counts, severity, verdict) => {
    const report = await compare([column('x', reference)], [column('x', inDeciles(counts))], { policy });
    const check = checkOf(report, 'x', 'distribution');
    const smooth = (rows: number): number => (rows + 0.5) / 1005;
    const expected = counts.reduce(
      (sum, rows) => sum + (smooth(rows) - smooth(100)) * Math.log(smooth(rows) / smooth(100)),
      0,
    );
    expect(check.effect).toBeCloseTo(expected, 9);
    expect(check).toMatchObject({ test: 'psi', severity, verdict, pValue: null });
    expect(check.effects).toEqual([
      { kind: 'psi', value: check.effect, medium: 0.1, high: 0.25, critical: null },
    ]);
    // chi-square .95 of 9 degrees, 16.919, times 1/1000 + 1/1000.
    expect(check.message).toContain('without drift 95 % stay below 0.03');
  });

  test('a value that chance alone may give is drift by the rule, and said to be', async () => {
    const report = await compare([column('x', normal(1, 60))], [column('x', normal(2, 60))], { policy });
    expect(checkOf(report, 'x', 'distribution')).toMatchObject({ verdict: 'drift' });
    expect(columnOf(report, 'x').message).toContain('which chance alone may be');
  });

  test('a single row has none that says anything', async () => {
    const columns = (rows: number): MemoryColumn[] => [
      column('x', normal(1, rows)),
      column('c', new Random(1).levels(rows, [0.7, 0.3])),
    ];
    for (const [before, after] of [
      [500, 1],
      [1, 500],
    ] as const) {
      const report = await compare(columns(before), columns(after), { policy });
      for (const name of ['x', 'c']) expect(columnOf(report, name).verdict).toBe('inconclusive');
    }
  });

  test('levels have an index too', async () => {
    const report = await compare(
      [column('c', new Random(1).levels(1000, [0.7, 0.3]))],
      [column('c', new Random(2).levels(1000, [0.4, 0.6]))],
      { policy },
    );
    expect(columnOf(report, 'c')).toMatchObject({ verdict: 'drift', severity: 'high' });
  });

  test('a reference most of which is its largest value has an index', async () => {
    const mostly = (share: number): number[] =>
      Array.from({ length: 400 }, (_, row) => (row < 400 * share ? 0 : 1));
    const same = await compare([column('x', mostly(0.05))], [column('x', mostly(0.05))], { policy });
    expect(checkOf(same, 'x', 'distribution').effect).toBe(0);
    const other = await compare([column('x', mostly(0.05))], [column('x', mostly(0.4))], { policy });
    expect(columnOf(other, 'x')).toMatchObject({ verdict: 'drift', severity: 'high' });
  });

  test('a profile is no further away than the rows', async () => {
    const { profiled } = await import('./profile/support/profiles.ts');
    for (let seed = 0; seed < 20; seed += 1) {
      const before = memorySide([column('x', normal(seed, 3000))]);
      const after = (): MemoryColumn[] => [column('x', normal(seed + 100, 800, seed / 40))];
      const rows = checkOf(await compare(before, after(), { policy }), 'x', 'distribution').effect ?? 0;
      const profile = await profiled(memorySide([column('x', normal(seed, 3000))]));
      const bound = checkOf(await compare(profile, after(), { policy }), 'x', 'distribution').effect ?? 0;
      expect(bound).toBeLessThanOrEqual(rows + 1e-3);
      expect(bound).toBeGreaterThan(rows * 0.8 - 0.02);
    }
  });
});
