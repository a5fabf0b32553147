import { describe, expect, test } from 'vitest';
import { createLevelHasher } from '../../../src/core/drift/profile/level-hash.ts';
import { profileSide } from '../../../src/core/drift/profile/side.ts';
import { profiled, profileOf } from './profile/support/profiles.ts';
import { checkOf, columnOf, compare } from './support/compare.ts';
import { column, memorySide } from './support/memory-side.ts';
import { Random } from './support/random.ts';

/** Levels in exactly these numbers of rows. */
function rowsOf(counts: readonly (readonly [level: string, rows: number])[]): string[] {
  return counts.flatMap(([level, rows]) => Array<string>(rows).fill(level));
}

describe('categorical columns', () => {
  test('chi-square, its p and the distance of a known table', async () => {
    // R: chisq.test(rbind(c(500, 300, 200), c(400, 350, 250))): 20.513, df 2, p 3.513e-05.
    const report = await compare(
      [
        column(
          'plan',
          rowsOf([
            ['free', 500],
            ['plus', 300],
            ['team', 200],
          ]),
        ),
      ],
      [
        column(
          'plan',
          rowsOf([
            ['free', 400],
            ['plus', 350],
            ['team', 250],
          ]),
        ),
      ],
    );
    const check = checkOf(report, 'plan', 'distribution');
    expect(check.test).toBe('chi2');
    expect(check.statistic).toBeCloseTo(20.5128205128, 9);
    expect(check.pValue).toBeCloseTo(3.513157509856e-5, 14);
    // The distance is .1, of which chance explains .025: significant, and not enough for medium.
    expect(check).toMatchObject({ severity: 'low', verdict: 'stable', effectKind: 'excessTvd' });
    expect(check.message).toMatch(/^TVD=0\.1 \(0\.08 beyond chance\), "free" 50 % -> 40 %$/);
  });

  test('a changed mix is drift and names what changed most', async () => {
    const report = await compare(
      [column('plan', new Random(1).levels(2000, [0.5, 0.3, 0.2]))],
      [column('plan', new Random(2).levels(2000, [0.2, 0.5, 0.3]))],
    );
    const plan = columnOf(report, 'plan');
    expect(plan).toMatchObject({ verdict: 'drift', severity: 'high' });
    expect(plan.categories?.changed[0]?.category).toBe('level 0');
    expect(plan.message).toContain('"level 0" 50 % -> 21 %');
    expect(plan.additional.map(({ name }) => name)).toEqual([
      'psi',
      'jensenShannon',
      'kullbackLeibler',
      'hellinger',
      'totalVariation',
    ]);
  });

  test("a small 2 x 2 table gets Fisher's exact test", async () => {
    // R: fisher.test(rbind(c(8, 2), c(1, 5))): p 0.03496503.
    const report = await compare(
      [column('ok', [...Array(8).fill(true), ...Array(2).fill(false)])],
      [column('ok', [...Array(1).fill(true), ...Array(5).fill(false)])],
    );
    const check = checkOf(report, 'ok', 'distribution');
    expect(check.test).toBe('fisher');
    expect(check.pValue).toBeCloseTo(0.034965034965035, 12);
    expect(check.verdict).toBe('inconclusive');
  });

  test('50,000 rare levels that did not change are no drift', async () => {
    const levels = (seed: number): string[] =>
      new Random(seed).numbers(60_000, (random) => random.whole(50_000)).map((id) => `user ${id}`);
    const report = await compare([column('user', levels(1))], [column('user', levels(2))]);
    const user = columnOf(report, 'user');
    expect(user.verdict).not.toBe('drift');
    expect(user.severity).toBe('none');
    const unseen = checkOf(report, 'user', 'unseen-categories');
    // About e^-1.2 of the current rows are of levels that the reference happens not to have.
    expect(unseen.statistic).toBeGreaterThan(15_000);
    expect(unseen.effect).toBeLessThan(0.02);
    expect(unseen.severity).toBe('none');
    expect(user.categories?.bars.length).toBeLessThanOrEqual(21);
  });

  test('50,000 levels of which a tenth of the rows went to one are drift', async () => {
    const levels = (seed: number): string[] =>
      new Random(seed).numbers(60_000, (random) => random.whole(50_000)).map((id) => `user ${id}`);
    const moved = levels(2).map((level, row) => (row % 5 === 0 ? 'user 7' : level));
    const report = await compare([column('user', levels(1))], [column('user', moved)]);
    expect(columnOf(report, 'user').verdict).toBe('drift');
  });

  test('a single level on both sides is stable', async () => {
    const report = await compare([column('country', ['at', 'at'])], [column('country', ['at', 'at', 'at'])]);
    expect(columnOf(report, 'country')).toMatchObject({ verdict: 'stable', severity: 'none' });
  });

  test('a single level that became another one is critical', async () => {
    const report = await compare(
      [column('country', Array(300).fill('at'))],
      [column('country', Array(300).fill('de'))],
    );
    expect(columnOf(report, 'country')).toMatchObject({ verdict: 'drift', severity: 'critical' });
    expect(columnOf(report, 'country').categories).toMatchObject({ unseenCount: 1, goneCount: 1 });
  });

  test("every level once on both sides can't be tested, which is inconclusive", async () => {
    const ids = (prefix: string): string[] => Array.from({ length: 40 }, (_, row) => `${prefix}${row}`);
    const report = await compare([column('id', ids('a'))], [column('id', ids('a'))]);
    expect(columnOf(report, 'id').verdict).toBe('inconclusive');
    expect(checkOf(report, 'id', 'distribution').reason).toBe('every level is too rare for a test');
  });
});

describe('unseen categories', () => {
  const known = (seed: number, rows: number): string[] => new Random(seed).levels(rows, [0.4, 0.3, 0.2, 0.1]);

  test('one row of a new level is no alarm', async () => {
    const report = await compare([column('c', known(1, 1000))], [column('c', [...known(2, 999), 'new'])]);
    expect(columnOf(report, 'c')).toMatchObject({ verdict: 'stable', severity: 'none' });
    expect(checkOf(report, 'c', 'unseen-categories').pValue).toBeCloseTo(0.5, 10);
  });

  test.each([
    [20, 'medium'],
    [60, 'high'],
    [300, 'critical'],
  ])('%i rows of 1,000 are %s', async (rows, severity) => {
    const current = [...known(2, 1000 - rows), ...Array<string>(rows).fill('new <b>')];
    const report = await compare([column('c', known(1, 1000))], [column('c', current)]);
    const check = checkOf(report, 'c', 'unseen-categories');
    expect(check).toMatchObject({ severity, statistic: rows, verdict: 'drift' });
    expect(check.effect).toBeCloseTo(rows / 1000, 4);
    expect(columnOf(report, 'c').categories?.unseen).toEqual([
      {
        category: 'new <b>',
        referenceRows: 0,
        currentRows: rows,
        referenceShare: 0,
        currentShare: rows / 1000,
      },
    ]);
  });

  test('of one new level p is the chance that all its rows fall on the current side', async () => {
    // prod_{i<5} (200 - i) / (500 - i) for 300 reference and 200 current rows.
    const report = await compare(
      [column('c', Array(300).fill('a'))],
      [column('c', [...Array(195).fill('a'), ...Array(5).fill('b')])],
    );
    const expected = (200 * 199 * 198 * 197 * 196) / (500 * 499 * 498 * 497 * 496);
    expect(checkOf(report, 'c', 'unseen-categories').pValue).toBeCloseTo(expected, 6);
  });

  test('where the reference lists only its frequent levels none is called unseen', async () => {
    const side = memorySide([column('c', [...known(1, 1000), 'rare 1', 'rare 2'])], { levels: 4 });
    const report = await compare(side, [column('c', [...known(2, 950), ...Array<string>(50).fill('new')])]);
    expect(checkOf(report, 'c', 'unseen-categories')).toMatchObject({ verdict: 'skipped', pValue: null });
    expect(columnOf(report, 'c').categories).toMatchObject({ unseen: [], unseenCount: 0 });
    expect(columnOf(report, 'c').notes).toContain(
      '2 rare levels of the reference data were counted together (2 rows)',
    );
  });
});

describe('levels as data', () => {
  test('integer codes are the same level with and without a fraction', async () => {
    const codes = (seed: number): number[] => new Random(seed).numbers(1000, (random) => random.whole(4));
    const report = await compare(
      [column('code', codes(1), { type: 'categorical', integers: true })],
      [
        column(
          'code',
          codes(2).map((code) => `${code}.0`),
          { type: 'categorical', integers: true },
        ),
      ],
    );
    expect(columnOf(report, 'code')).toMatchObject({ verdict: 'stable', current: { distinct: 4 } });
  });

  test('levels and columns with the names of object members are compared as any other', async () => {
    const levels = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const draw = (seed: number): string[] =>
      new Random(seed).numbers(1000, (random) => random.whole(4)).map((at) => levels[at] ?? '');
    const report = await compare(
      [column('__proto__', draw(1)), column('constructor', draw(2))],
      [column('__proto__', draw(3)), column('constructor', Array(1000).fill('__proto__'))],
    );
    expect(columnOf(report, '__proto__').verdict).toBe('stable');
    expect(columnOf(report, 'constructor')).toMatchObject({ verdict: 'drift', severity: 'critical' });
    expect(
      columnOf(report, '__proto__')
        .categories?.bars.map(({ category }) => category)
        .toSorted(),
    ).toEqual(levels.toSorted());
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('a level is cut to 200 characters and shown on one line', async () => {
    const long = '😀'.repeat(400);
    const report = await compare(
      [column('c', Array(100).fill('a'))],
      [column('c', [...Array(50).fill('a'), ...Array(50).fill(long), ...Array(20).fill('x\n\u001b[31my')])],
    );
    const c = columnOf(report, 'c');
    expect(c.categories?.unseen.map(({ category }) => category)).toEqual([
      '😀'.repeat(200),
      'x\n\u001b[31my',
    ]);
    for (const check of c.checks) expect(check.message).not.toMatch(/[\n\u001b]/);
  });
});

describe('hashed levels', () => {
  const plans = (seed: number, shares: readonly number[]): string[] => new Random(seed).levels(1000, shares);

  test('are held against the hashes of plain ones, and the plain ones are shown', async () => {
    const hasher = createLevelHasher(undefined);
    const reference = await profiled(memorySide([column('plan', plans(1, [0.5, 0.3, 0.2]))]), { hasher });
    const stable = await compare(reference, [column('plan', plans(2, [0.5, 0.3, 0.2]))]);
    expect(columnOf(stable, 'plan')).toMatchObject({
      verdict: 'stable',
      categories: { unseenCount: 0, goneCount: 0 },
    });
    expect(
      columnOf(stable, 'plan')
        .categories?.bars.map(({ category }) => category)
        .toSorted(),
    ).toEqual(['level 0', 'level 1', 'level 2']);
    const again = await profiled(memorySide([column('plan', plans(1, [0.5, 0.3, 0.2]))]), { hasher });
    const other = await compare(again, [
      column(
        'plan',
        plans(2, [0.5, 0.3, 0.2]).map((plan) => `${plan}!`),
      ),
    ]);
    expect(checkOf(other, 'plan', 'unseen-categories')).toMatchObject({ severity: 'critical' });
    expect(columnOf(other, 'plan').message).toContain('"level 0!"');
  });

  test("two profiles with other secrets can't be compared, which is said", async () => {
    const side = async (secret: string | undefined) => {
      const hasher = createLevelHasher(secret);
      const profile = await profileOf(memorySide([column('plan', plans(1, [0.5, 0.5]))]), { hasher });
      return profileSide(profile, { name: 'p.json', secret });
    };
    const report = await compare(await side(undefined), await side('a secret of 16 characters'));
    expect(columnOf(report, 'plan')).toMatchObject({
      verdict: 'skipped',
      skipped: 'both sides are profiles that hashed their levels with different secrets',
    });
  });
});
