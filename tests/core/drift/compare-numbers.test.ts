import { describe, expect, test } from 'vitest';
import { checkOf, columnOf, compare } from './support/compare.ts';
import { column, memorySide } from './support/memory-side.ts';
import { testPolicy } from './support/policy.ts';
import { Random } from './support/random.ts';

const normal = (seed: number, rows: number, mean = 0, deviation = 1): number[] =>
  new Random(seed).numbers(rows, (random) => random.normal(mean, deviation));

/** Whole numbers from 1 to `rows` in a fixed disorder, so that every quantile is known. */
const spread = (rows: number): number[] =>
  new Random(rows).shuffled(Array.from({ length: rows }, (_, row) => row + 1));

describe('the distribution of numbers', () => {
  test('a shift of half a standard deviation at 1,000 rows is drift, with its size, place and direction', async () => {
    const report = await compare([column('age', normal(1, 1000))], [column('age', normal(2, 1000, 0.5))]);
    const age = columnOf(report, 'age');
    expect(age).toMatchObject({ verdict: 'drift', severity: 'medium', shift: { direction: 'up' } });
    expect(age.shift?.location).toBeGreaterThan(-1);
    expect(age.shift?.location).toBeLessThan(1.5);
    expect(age.message).toMatch(
      /^`age` medium: D=0\.\d+ at -?[\d.]+ \(ref \d+ % below, now \d+ %\), W=0\.\d+, median -?[\d.e-]+ -> 0\.\d+, q=\de-\d+, n=1000\/1000$/,
    );
    expect(report.failed).toBe(true);
  });

  test('the statistics of known data are those of their definition', async () => {
    // 1 to 1,000 against the same plus 200: D = .2 at 200, the distance 200, the unit 499.5 / 1.349.
    const report = await compare(
      [column('x', spread(1000))],
      [
        column(
          'x',
          spread(1000).map((value) => value + 200),
        ),
      ],
    );
    const check = checkOf(report, 'x', 'distribution');
    expect(check).toMatchObject({ test: 'ks exact', statistic: 0.2, severity: 'high', verdict: 'drift' });
    const [first, second] = check.effects;
    expect([first?.kind, second?.kind]).toEqual(['D', 'W']);
    expect(second?.value).toBeCloseTo(200 / (499.5 / 1.349), 3);
    expect(first).toEqual({ kind: 'D', value: 0.2, medium: 0.1, high: 0.2, critical: 0.4 });
    expect(columnOf(report, 'x').shift).toMatchObject({
      location: 200,
      referenceShare: 0.2,
      currentShare: 0,
      medianBefore: 500.5,
      medianAfter: 700.5,
    });
  });

  test('unchanged data of 1,000 rows is stable', async () => {
    const report = await compare([column('x', normal(3, 1000))], [column('x', normal(4, 1000))]);
    expect(columnOf(report, 'x')).toMatchObject({
      verdict: 'stable',
      severity: 'none',
      shift: { direction: 'none' },
    });
    expect(report).toMatchObject({ verdict: 'stable', severity: 'none', failed: false, alerts: [] });
  });

  test('a significant change below the medium limit is low and no drift', async () => {
    const report = await compare([column('x', normal(5, 20_000))], [column('x', normal(6, 20_000, 0.1))]);
    const check = checkOf(report, 'x', 'distribution');
    expect(check.qValue).toBeLessThan(1e-6);
    expect(check).toMatchObject({ severity: 'low', verdict: 'stable' });
    expect(report).toMatchObject({ verdict: 'stable', severity: 'low', failed: false });
    expect(report.alerts.map(({ severity }) => severity)).toEqual(['low']);
    const strict = await compare([column('x', normal(5, 20_000))], [column('x', normal(6, 20_000, 0.1))], {
      policy: testPolicy({ failOn: 'low' }),
    });
    expect(strict.failed).toBe(true);
  });

  test('too few rows to see a medium change are inconclusive, with the smallest effect that could have been seen', async () => {
    const report = await compare([column('x', normal(7, 100))], [column('x', normal(8, 100))]);
    const x = columnOf(report, 'x');
    expect(x.verdict).toBe('inconclusive');
    // 1.6276 sqrt(2 / 100)
    expect(x.minimumDetectableEffect).toBeCloseTo(0.2302, 3);
    expect(x.message).toContain('less than D=0.23 could not have been told');
    expect(report).toMatchObject({ verdict: 'inconclusive', severity: 'none', failed: false });
  });

  test('an inconclusive data set fails where it is asked to', async () => {
    const policy = testPolicy({ failOnInconclusive: true });
    const report = await compare([column('x', normal(7, 100))], [column('x', normal(8, 100))], { policy });
    expect(report.failed).toBe(true);
  });

  test('a wider distribution is told from a moved one', async () => {
    const wide = await compare([column('x', normal(9, 5000))], [column('x', normal(10, 5000, 0, 2))]);
    expect(columnOf(wide, 'x')).toMatchObject({ verdict: 'drift', shift: { direction: 'spread' } });
    const narrow = await compare([column('x', normal(9, 5000, 0, 2))], [column('x', normal(10, 5000))]);
    expect(columnOf(narrow, 'x')).toMatchObject({ verdict: 'drift', shift: { direction: 'narrowed' } });
    const down = await compare([column('x', normal(9, 1000))], [column('x', normal(10, 1000, -1))]);
    expect(columnOf(down, 'x').shift?.direction).toBe('down');
  });

  test('a sd of 1.4 at 10,000 rows is found by its Wasserstein distance though D stays below .1', async () => {
    const report = await compare(
      [column('x', normal(11, 10_000))],
      [column('x', normal(12, 10_000, 0, 1.4))],
    );
    const check = checkOf(report, 'x', 'distribution');
    expect(check).toMatchObject({ verdict: 'drift', effectKind: 'W' });
    expect(check.statistic).toBeLessThan(0.1);
  });

  test('the same constant on both sides is stable, however few rows there are', async () => {
    const report = await compare([column('x', [7, 7, 7])], [column('x', [7, 7])]);
    expect(columnOf(report, 'x')).toMatchObject({ verdict: 'stable', severity: 'none' });
    expect(checkOf(report, 'x', 'distribution').reason).toContain('same constant');
  });

  test('a constant that became another one is critical', async () => {
    const report = await compare([column('x', Array(200).fill(7))], [column('x', Array(200).fill(8))]);
    expect(columnOf(report, 'x')).toMatchObject({
      verdict: 'drift',
      severity: 'critical',
      shift: { direction: 'up' },
    });
  });

  test('a limit of a column decides about it', async () => {
    const limits = { D: { medium: 0.3, high: 0.4, critical: 0.5 }, W: { medium: 1, high: 2, critical: 3 } };
    const sides = [
      [column('x', spread(1000))],
      [
        column(
          'x',
          spread(1000).map((value) => value + 150),
        ),
      ],
    ] as const;
    const lenient = await compare(...sides, {
      policy: testPolicy({ limits: { ...limits, outOfRange: { medium: 0.5, high: 0.6, critical: 0.7 } } }),
    });
    expect(columnOf(lenient, 'x').severity).toBe('low');
    expect(columnOf(await compare(...sides), 'x').verdict).toBe('drift');
  });
});

describe('what a distribution function hardly shows', () => {
  test('8 % of the values replaced by a constant is a point mass', async () => {
    const current = normal(45, 1000).map((value, row) => (row % 25 < 2 ? 0 : value));
    const report = await compare([column('x', normal(44, 1000))], [column('x', current)]);
    expect(checkOf(report, 'x', 'distribution').verdict).toBe('stable');
    expect(checkOf(report, 'x', 'point-mass')).toMatchObject({
      verdict: 'drift',
      severity: 'medium',
      effect: 0.08,
      message: 'value 0 in 0 % -> 8 % of the values',
    });
  });

  test('a wrong unit in two rows of a hundred is out of range', async () => {
    const current = normal(23, 1000, 10).map((value, row) => (row % 50 === 0 ? value * 1000 : value));
    const report = await compare([column('x', normal(22, 1000, 10))], [column('x', current)]);
    expect(checkOf(report, 'x', 'distribution').severity).toBe('none');
    expect(checkOf(report, 'x', 'above-range')).toMatchObject({ verdict: 'drift', severity: 'high' });
    const [above] = columnOf(report, 'x').outOfRange.filter(({ side }) => side === 'above');
    expect(above?.reached).toBeGreaterThan(7000);
    expect(above?.rows).toBeGreaterThanOrEqual(20);
  });

  test('values beyond one end of the range only say nothing of the other end', async () => {
    const current = normal(23, 1000, 10).map((value, row) => (row % 50 === 0 ? value * 1000 : value));
    const report = await compare([column('x', normal(22, 3000, 10))], [column('x', current)]);
    expect(checkOf(report, 'x', 'below-range')).toMatchObject({ effect: 0, severity: 'none' });
    expect(checkOf(report, 'x', 'above-range')).toMatchObject({ severity: 'high' });
  });

  test.each([
    ['nothing', 0, 'none'],
    ['2 % of a column that had none', 0.02, 'medium'],
    ['a third', 0.3, 'high'],
    ['more than half', 0.6, 'critical'],
  ])('nulls: %s', async (_, share, severity) => {
    const current = normal(25, 2000).map((value, row) => (row < 2000 * share ? null : value));
    const report = await compare([column('x', normal(24, 2000))], [column('x', current)]);
    const found = columnOf(report, 'x').checks.find(({ check }) => check === 'null-share');
    expect(found?.severity ?? 'none').toBe(severity);
  });

  test('nulls of a column that always had some are held against wider limits', async () => {
    const some = (seed: number, share: number): (number | null)[] =>
      normal(seed, 4000).map((value, row) => (row < 4000 * share ? null : value));
    const report = await compare([column('x', some(26, 0.1))], [column('x', some(27, 0.14))]);
    expect(checkOf(report, 'x', 'null-share')).toMatchObject({ severity: 'low', verdict: 'stable' });
  });

  test('infinities and NaN where there were none are counted, and the finite values compared', async () => {
    const current = normal(29, 1000).map((value, row) =>
      row % 20 === 0 ? Infinity : row % 33 === 0 ? Number.NaN : value,
    );
    const report = await compare([column('x', normal(28, 1000))], [column('x', current)]);
    expect(checkOf(report, 'x', 'non-finite')).toMatchObject({ verdict: 'drift', severity: 'medium' });
    const x = columnOf(report, 'x');
    expect(x.current).toMatchObject({ nonFinite: 79, nulls: 0, compared: 921 });
    expect(x.current?.max).toBeLessThan(10);
  });

  test('cells that are no numbers are counted with examples', async () => {
    const current = normal(31, 1000).map((value, row) => (row % 20 === 0 ? 'unknown' : value));
    const report = await compare([column('x', normal(30, 1000))], [column('x', current)]);
    expect(checkOf(report, 'x', 'unparsable')).toMatchObject({ verdict: 'drift', severity: 'medium' });
    expect(columnOf(report, 'x').notes).toContain(
      '50 current cells (5 %) are not numeric: "unknown", "unknown", "unknown"',
    );
  });

  test('a column most of which cannot be read is retyped, which is critical', async () => {
    const current = normal(31, 1000).map((value, row) => (row % 3 === 0 ? value : `v${row}`));
    const report = await compare([column('x', normal(30, 1000))], [column('x', current, { type: 'text' })]);
    expect(checkOf(report, 'x', 'type-change')).toMatchObject({ verdict: 'drift', severity: 'critical' });
    expect(report.schema.typeChanged).toEqual([{ column: 'x', from: 'numeric', to: 'text' }]);
  });
});

describe('hostile numbers', () => {
  test('the largest doubles are compared without an infinity', async () => {
    const huge = (seed: number): number[] =>
      new Random(seed).numbers(500, (random) => (random.next() < 0.5 ? -1.7e308 : 1.7e308));
    const moved = new Random(3).numbers(500, (random) => (random.next() < 0.1 ? -1.7e308 : 1.7e308));
    const report = await compare([column('x', huge(1))], [column('x', moved)]);
    expect(columnOf(report, 'x').verdict).toBe('drift');
    const [wasserstein] = columnOf(report, 'x').additional.filter(({ name }) => name === 'wasserstein');
    expect(wasserstein?.reason).toBe(
      wasserstein?.value === null ? 'the values are too large for a finite number' : null,
    );
    const single = await compare([column('x', [1e308, 1e308, 1e308])], [column('x', [1e308, 1e308])]);
    expect(columnOf(single, 'x').verdict).toBe('stable');
  });

  test('the smallest doubles and minus zero are compared', async () => {
    const report = await compare(
      [column('x', [5e-324, -0, 0, 5e-324, -5e-324])],
      [column('x', [0, -0, 5e-324, 0, 0])],
    );
    expect(columnOf(report, 'x').verdict).toBe('inconclusive');
    expect(JSON.stringify(report)).not.toContain('-0,');
  });

  test('a column of infinities only has no distribution, which is said', async () => {
    const report = await compare(
      [column('x', Array(50).fill(Infinity))],
      [column('x', Array(50).fill(Infinity))],
    );
    expect(columnOf(report, 'x')).toMatchObject({ verdict: 'skipped', skipped: 'neither side has values' });
    expect(report.verdict).toBe('inconclusive');
  });

  test('one row says nothing, whatever it holds', async () => {
    const report = await compare([column('x', normal(1, 5000))], [column('x', [1e9])]);
    expect(columnOf(report, 'x')).toMatchObject({ verdict: 'inconclusive', severity: 'none' });
    expect(report).toMatchObject({ verdict: 'inconclusive', failed: false });
    expect(checkOf(report, 'x', 'distribution').reason).toBe('the current data has one value only');
  });
});

describe('rows that are not independent', () => {
  const walk = (seed: number, rows: number, phi: number): number[] => {
    const random = new Random(seed);
    let value = random.normal();
    return Array.from(
      { length: rows },
      () => (value = phi * value + Math.sqrt(1 - phi * phi) * random.normal()),
    );
  };

  test('an autoregressive process is compared by the rows that it is worth, and the report says so', async () => {
    const report = await compare([column('x', walk(1, 3000, 0.9))], [column('x', walk(2, 3000, 0.9))]);
    const x = columnOf(report, 'x');
    expect(x.verdict).not.toBe('drift');
    expect(x.dependence?.referenceR).toBeCloseTo(0.9, 1);
    expect(x.dependence?.referenceEffective).toBeLessThan(300);
    expect(x.notes.join('\n')).toMatch(/3,000 reference values are worth \d+ independent ones/);
  });

  test('independent rows count in full', async () => {
    const report = await compare([column('x', normal(1, 3000))], [column('x', normal(2, 3000))]);
    expect(columnOf(report, 'x').dependence).toBeNull();
  });

  const counting = (from: number, rows: number): number[] =>
    Array.from({ length: rows }, (_, row) => from + row);

  test.each([
    ['id', 501],
    ['customer_id', 501],
    ['orderNumber', 501],
    ['Unnamed: 0', 1],
    ['', 1],
  ])('a column that numbers the rows is no drift (%s)', async (name, from) => {
    const report = await compare([column(name, counting(1, 500))], [column(name, counting(from, 300))]);
    expect(columnOf(report, name)).toMatchObject({ verdict: 'stable', severity: 'none' });
    expect(checkOf(report, name, 'distribution').reason).toContain('number the rows');
  });

  test('numbers in the order of the rows are compared unless they are called so, or the person or the policy asks for it', async () => {
    const sides = (name: string) =>
      [[column(name, counting(1, 500))], [column(name, counting(501, 500))]] as const;
    expect(columnOf(await compare(...sides('amount')), 'amount').severity).toBe('critical');
    expect(columnOf(await compare(...sides('paid')), 'paid').severity).toBe('critical');
    const types = new Map([['id', 'numeric' as const]]);
    expect(columnOf(await compare(...sides('id'), { policy: testPolicy({ types }) }), 'id').severity).toBe(
      'critical',
    );
    const policy = testPolicy({ kind: 'pvalue' });
    expect(columnOf(await compare(...sides('id'), { policy }), 'id')).toMatchObject({
      verdict: 'drift',
      severity: 'high',
    });
  });

  test('an identifier out of order, or with repetitions, is compared', async () => {
    const mixed = new Random(1).shuffled(counting(501, 500));
    expect(
      columnOf(await compare([column('id', counting(1, 500))], [column('id', mixed)]), 'id').severity,
    ).toBe('critical');
    const twice = counting(501, 500).map((value) => Math.floor(value / 2));
    expect(
      columnOf(await compare([column('id', counting(1, 500))], [column('id', twice)]), 'id').verdict,
    ).toBe('drift');
  });
});

describe('what a report shows', () => {
  test('histograms and distribution functions are shares over common places', async () => {
    const report = await compare([column('x', normal(1, 3000))], [column('x', [...normal(2, 2999, 1), 1e9])]);
    const { histogram, ecdf } = columnOf(report, 'x');
    expect(histogram?.reference).toHaveLength((histogram?.edges.length ?? 0) - 1);
    for (const shares of [histogram?.reference, histogram?.current]) {
      expect(shares?.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
    }
    // One outlier does not stretch the picture.
    expect(histogram?.edges.at(-1)).toBeLessThan(10);
    expect(ecdf?.values.length).toBeLessThanOrEqual(50);
    expect(ecdf?.values).toEqual(ecdf?.values.toSorted((x, y) => x - y));
    expect(ecdf?.reference.at(-1)).toBe(1);
    expect(ecdf?.current.at(-1)).toBe(1);
  });

  test('few whole numbers have a bin each', async () => {
    const dice = (seed: number): number[] => new Random(seed).numbers(600, (random) => 1 + random.whole(6));
    const report = await compare([column('x', dice(1))], [column('x', dice(2))]);
    expect(columnOf(report, 'x').histogram?.edges).toEqual([0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]);
  });

  test('the measures beside the verdict are all there', async () => {
    const report = await compare(
      [column('x', spread(1000))],
      [
        column(
          'x',
          spread(1000).map((value) => value + 100),
        ),
      ],
    );
    const measures = new Map(columnOf(report, 'x').additional.map((measure) => [measure.name, measure]));
    expect([...measures.keys()]).toEqual([
      'psi',
      'jensenShannon',
      'kullbackLeibler',
      'hellinger',
      'totalVariation',
      'andersonDarling',
      'cramerVonMises',
      'mannWhitney',
      'energyDistance',
      'wasserstein',
    ]);
    // Each decile bin holds 100 reference rows; the first is empty now, the last has 200.
    expect(measures.get('totalVariation')?.value).toBeCloseTo(0.1, 10);
    expect(measures.get('wasserstein')?.value).toBeCloseTo(100, 9);
    expect(measures.get('kullbackLeibler')).toMatchObject({ value: null });
    expect(measures.get('psi')?.null95).toBeCloseTo(16.918978 * 0.002, 6);
    expect(measures.get('mannWhitney')?.value).toBeCloseTo(0.405, 3);
  });

  test('of many values the measures by rank are taken on a draw, which is said', async () => {
    const report = await compare([column('x', normal(1, 60_000))], [column('x', normal(2, 500, 0.5))]);
    const measures = new Map(columnOf(report, 'x').additional.map((measure) => [measure.name, measure]));
    expect(measures.get('mannWhitney')?.reason).toBe('of 20000 values drawn from a side');
    expect(measures.get('wasserstein')?.reason).toBeNull();
  });

  test('a sample is called one', async () => {
    const values = normal(1, 1000);
    const side = memorySide([column('x', values)], { withoutOrder: true });
    const report = await compare(side, [column('x', normal(2, 1000))]);
    expect(columnOf(report, 'x').verdict).toBe('stable');
    expect(columnOf(report, 'x').reference?.compared).toBe(1000);
  });
});
