import { describe, expect, test } from 'vitest';
import { compareSides } from '../../../src/core/drift/compare.ts';
import { benjaminiHochberg } from '../../../src/core/drift/statistics/benjamini-hochberg.ts';
import { columnOf, compare } from './support/compare.ts';
import { column, memorySide, type MemoryColumn } from './support/memory-side.ts';
import { testPolicy } from './support/policy.ts';
import { Random } from './support/random.ts';

const normal = (seed: number, rows = 1000, mean = 0): number[] =>
  new Random(seed).numbers(rows, (random) => random.normal(mean));

const many = (seed: number, columns: number, rows: number): MemoryColumn[] =>
  Array.from({ length: columns }, (_, index) => column(`n${index}`, normal(seed * 1000 + index, rows)));

describe('the family of tests', () => {
  test('all p values of all columns are corrected together', async () => {
    const report = await compare(
      [...many(1, 3, 300), column('c', new Random(2).levels(300, [0.5, 0.3, 0.2]))],
      [...many(3, 3, 300), column('c', new Random(4).levels(300, [0.3, 0.4, 0.3]))],
    );
    const tested = report.columns.flatMap(({ checks }) => checks).filter(({ pValue }) => pValue !== null);
    expect(tested.length).toBe(report.totals.tests);
    expect(tested.length).toBeGreaterThan(9);
    const q = benjaminiHochberg(tested.map(({ pValue }) => pValue ?? 1));
    expect(tested.map(({ qValue }) => qValue)).toEqual(q);
  });

  test('what is drift in one column by itself may be chance among a hundred', async () => {
    // p of D = .23 at 100 rows is .0099.
    const values = new Random(1).shuffled(Array.from({ length: 100 }, (_, row) => row + 1));
    const reference = column('x', values);
    const current = column(
      'x',
      values.map((value) => value + 22.5),
    );
    const limits = {
      outOfRange: { medium: 1, high: 1, critical: 1 },
      W: { medium: 9, high: 9, critical: 9 },
    };
    const policy = testPolicy({ limits, alpha: 0.05 });
    expect(columnOf(await compare([reference], [current], { policy }), 'x').verdict).toBe('drift');
    const among = await compare([reference, ...many(1, 100, 100)], [current, ...many(2, 100, 100)], {
      policy,
    });
    const check = columnOf(among, 'x').checks.find(({ check: name }) => name === 'distribution');
    expect(check?.pValue).toBeCloseTo(0.0099, 4);
    expect(check?.qValue).toBeGreaterThan(0.05);
  });
});

describe('the report of a data set', () => {
  const reference = [...many(1, 4, 1000), column('gone', normal(9))];
  const current = [
    column('n0', normal(11)),
    column('n1', normal(12, 1000, 0.5)),
    column('n2', normal(13, 1000, 3)),
    column('n3', normal(14)),
    column('new', normal(15)),
  ];

  test('lists the worst columns first, then those in the order of the reference, and counts them', async () => {
    const report = await compare(reference, current);
    expect(report.columns.map(({ column: name, severity }) => [name, severity])).toEqual([
      ['n2', 'critical'],
      ['gone', 'critical'],
      ['n1', expect.stringMatching(/medium|high/)],
      ['new', 'low'],
      ['n0', 'none'],
      ['n3', 'none'],
    ]);
    expect(report.totals).toMatchObject({
      columns: 6,
      drift: 3,
      stable: 2,
      inconclusive: 0,
      skipped: 1,
      critical: 2,
    });
    expect(report.driftedShare).toBeCloseTo(3 / 5, 12);
    expect(report.message).toMatch(
      /^drift in 3 of 5 columns \(2 critical, 1 (medium|high)\); `n2` critical: D=/,
    );
    expect(report.alerts[0]).toMatchObject({ column: 'n2', severity: 'critical' });
    expect(report.rows).toEqual({ reference: 1000, current: 1000 });
    expect(report.weightedEffect).toBeNull();
  });

  test('fails from the asked severity on', async () => {
    const failed = async (failOn: 'medium' | 'high' | 'critical'): Promise<boolean> => {
      const sides = [[column('x', normal(1))], [column('x', normal(2, 1000, 0.3))]] as const;
      return (await compare(...sides, { policy: testPolicy({ failOn }) })).failed;
    };
    expect([await failed('medium'), await failed('high'), await failed('critical')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('weighs effects by importance where weights were given', async () => {
    const weights = new Map([
      ['n0', 3],
      ['n2', 1],
    ]);
    const sides = [
      many(1, 3, 1000).filter(({ name }) => name !== 'n1'),
      [current[0], current[2]] as MemoryColumn[],
    ] as const;
    const report = await compare(...sides, { policy: testPolicy({ weights }) });
    // n0 is stable and counts 0; n2 has more than four times the medium limit, which is the cap.
    expect(report.weightedEffect).toBeCloseTo(4 / 4, 12);
    expect(columnOf(report, 'n0').weight).toBe(3);
  });

  test('warns of many exact duplicates, and of few not', async () => {
    const side = (share: number, exact: boolean) =>
      memorySide(many(1, 1, 1000), {
        name: 'a.csv',
        facts: { rows: 1000, duplicates: { rows: share * 1000, share, exact } },
      });
    const some = await compare(side(0.25, false), side(0.19, true));
    expect(some.notes).toEqual([
      '"a.csv": about 25 % of the rows repeat an earlier one exactly, and p values take all rows for independent',
    ]);
    expect(some.sources.reference.duplicates).toEqual({ rows: 250, share: 0.25, exact: false });
  });

  test('says what was assumed about the files', async () => {
    const side = memorySide(many(1, 1, 100), { name: 'a\n.csv', facts: { notes: ['delimiter ";"'] } });
    expect((await compare(side, many(2, 1, 100))).notes).toEqual(['"a\\n.csv": delimiter ";"']);
  });

  test('without a column that could be compared it is inconclusive', async () => {
    const report = await compare([column('x', [null, null])], [column('x', [null, null])]);
    expect(report).toMatchObject({
      verdict: 'inconclusive',
      severity: 'none',
      driftedShare: null,
      message: 'inconclusive: no column could be compared',
    });
  });
});

describe('reading', () => {
  test('one column of each side at a time, in one order', async () => {
    const read: string[] = [];
    const side = (name: string, columns: readonly MemoryColumn[]) =>
      memorySide(columns, { onRead: (each) => read.push(`${name} ${each}`) });
    const columns = many(1, 3, 50);
    await compare(side('reference', columns), side('current', columns.toReversed()));
    expect(read).toEqual([
      'reference n0',
      'current n0',
      'reference n1',
      'current n1',
      'reference n2',
      'current n2',
    ]);
  });

  test('both sides are told to stop when one fails', async () => {
    let stopped = 0;
    const failing = memorySide(many(1, 3, 50), {
      onRead: (name) => {
        if (name === 'n1') throw new Error('line 7 is malformed');
      },
    });
    const watched = memorySide(many(1, 3, 50));
    const reference = {
      ...watched,
      read: async (plan: Parameters<typeof watched.read>[0]) => {
        const columns = await watched.read(plan);
        return (async function* () {
          try {
            yield* columns;
          } finally {
            stopped += 1;
          }
        })();
      },
    };
    await expect(compareSides(reference, failing, { policy: testPolicy() })).rejects.toThrow(
      'line 7 is malformed',
    );
    expect(stopped).toBe(1);
  });

  test('progress is told after each column, and a signal ends it', async () => {
    const steps: [number, number][] = [];
    await compare(many(1, 3, 50), many(2, 3, 50), { progress: (done, total) => steps.push([done, total]) });
    expect(steps).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    const controller = new AbortController();
    const interrupted = compare(many(1, 3, 50), many(2, 3, 50), {
      signal: controller.signal,
      progress: (done) => {
        if (done === 2) controller.abort(new Error('interrupted'));
      },
    });
    await expect(interrupted).rejects.toThrow('interrupted');
  });
});
