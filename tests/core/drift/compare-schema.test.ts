import { describe, expect, test } from 'vitest';
import { checkOf, columnOf, compare } from './support/compare.ts';
import { column, memorySide } from './support/memory-side.ts';
import { testPolicy } from './support/policy.ts';
import { Random } from './support/random.ts';

const normal = (seed: number, rows = 1000, mean = 0): number[] =>
  new Random(seed).numbers(rows, (random) => random.normal(mean));

describe('columns that come and go', () => {
  test('a dropped column is critical drift', async () => {
    const report = await compare([column('a', normal(1)), column('b', normal(2))], [column('a', normal(3))]);
    expect(columnOf(report, 'b')).toMatchObject({
      verdict: 'drift',
      severity: 'critical',
      message: '`b` critical: the current data does not have it',
      current: null,
      reference: { rows: 1000 },
    });
    expect(report).toMatchObject({ verdict: 'drift', failed: true, schema: { missing: ['b'], added: [] } });
    expect(report.columns.map(({ column: name }) => name)).toEqual(['b', 'a']);
  });

  test('so is one whose values could not have been compared, and it is skipped where it is still there', async () => {
    const nested = column('b', [], { skipped: 'nested values are not compared' });
    const gone = await compare([column('a', normal(1)), nested], [column('a', normal(3))]);
    expect(columnOf(gone, 'b')).toMatchObject({
      verdict: 'drift',
      severity: 'critical',
      type: null,
      message: '`b` critical: the current data does not have it',
    });
    expect(gone).toMatchObject({ verdict: 'drift', failed: true, schema: { missing: ['b'] } });
    const there = await compare([column('a', normal(1)), nested], [column('a', normal(3)), nested]);
    expect(columnOf(there, 'b')).toMatchObject({
      verdict: 'skipped',
      skipped: 'nested values are not compared',
    });
  });

  test('an added column is low, and nothing of it is compared', async () => {
    const report = await compare(
      [column('a', normal(1))],
      [column('a', normal(3)), column('extra', normal(2))],
    );
    expect(columnOf(report, 'extra')).toMatchObject({ verdict: 'skipped', severity: 'low', reference: null });
    expect(report).toMatchObject({
      verdict: 'stable',
      severity: 'low',
      failed: false,
      schema: { added: ['extra'] },
    });
    expect(report.alerts).toEqual([
      {
        column: 'extra',
        severity: 'low',
        message: 'only the current data has it (numeric)',
        check: 'new-column',
      },
    ]);
  });

  test('a renamed column is missing, with a hint at its new name', async () => {
    const report = await compare(
      [
        column('a', normal(1)),
        column('age', normal(2, 2000, 40)),
        column('plan', new Random(3).levels(1000, [0.6, 0.4])),
      ],
      [
        column('a', normal(4)),
        column('years', normal(5, 2000, 40)),
        column('tier', new Random(6).levels(1000, [0.6, 0.4])),
        column('other', normal(7, 1000, 90)),
      ],
    );
    expect(report.schema.renamed.toSorted((x, y) => (x.from < y.from ? -1 : 1))).toEqual([
      {
        from: 'age',
        to: 'years',
        reason: expect.stringMatching(/^of the same type, and the values are alike \(D=0\.0\d\)$/),
      },
      {
        from: 'plan',
        to: 'tier',
        reason: expect.stringMatching(/^of the same type, and the values are alike \(TVD=0(\.0\d+)?\)$/),
      },
    ]);
    expect(columnOf(report, 'age')).toMatchObject({
      severity: 'critical',
      message: '`age` critical: the current data does not have it; "years" looks like it under another name',
    });
  });

  test('a name written another way is the same column, whatever its values', async () => {
    const report = await compare(
      [column('a', normal(1)), column('Customer Age', normal(2))],
      [column('a', normal(3)), column('customer_age', normal(4, 1000, 5))],
    );
    expect(report.schema.renamed).toEqual([
      { from: 'Customer Age', to: 'customer_age', reason: 'the names differ in case or punctuation only' },
    ]);
  });

  test('added columns are not read unless one is missing', async () => {
    const read: string[] = [];
    const current = memorySide([column('a', normal(2)), column('b', normal(3))], {
      onRead: (name) => read.push(name),
    });
    await compare([column('a', normal(1))], current);
    expect(read).toEqual(['a']);
  });
});

describe('columns that changed their type', () => {
  test('files that declare another type are a critical change, even where the values can be read', async () => {
    const texts = normal(2).map(String);
    const report = await compare(
      [column('x', normal(1), { declared: 'numeric' })],
      [column('x', texts, { declared: 'text', type: 'numeric' })],
    );
    expect(checkOf(report, 'x', 'type-change')).toMatchObject({
      severity: 'critical',
      message: 'was numeric, is text',
    });
    expect(report.schema.typeChanged).toEqual([{ column: 'x', from: 'numeric', to: 'text' }]);
    expect(checkOf(report, 'x', 'distribution').verdict).toBe('stable');
  });

  test('numbers of another width or truth values as 0 and 1 are no change', async () => {
    const flags = (seed: number): boolean[] => new Random(seed).numbers(1000).map((value) => value > 0);
    const report = await compare(
      [column('flag', flags(1), { declared: 'boolean' })],
      [column('flag', flags(2).map(Number), { declared: 'numeric' })],
    );
    expect(report.schema.typeChanged).toEqual([]);
    expect(columnOf(report, 'flag').verdict).toBe('stable');
  });

  test('a column whose values became nested can no longer be compared, which is critical', async () => {
    const report = await compare(
      [column('a', normal(1)), column('x', normal(2))],
      [column('a', normal(3)), column('x', [], { skipped: 'nested values' })],
    );
    expect(columnOf(report, 'x')).toMatchObject({ verdict: 'drift', severity: 'critical' });
    expect(report.schema.typeChanged).toEqual([{ column: 'x', from: 'numeric', to: 'nested values' }]);
  });

  test("a column that the reference can't compare is skipped with the reason", async () => {
    const report = await compare(
      [column('a', normal(1)), column('x', [], { skipped: 'nested values' })],
      [column('a', normal(3)), column('x', normal(2))],
    );
    expect(columnOf(report, 'x')).toMatchObject({
      verdict: 'skipped',
      skipped: 'nested values',
      severity: 'none',
    });
    expect(report.totals).toMatchObject({ columns: 2, stable: 1, skipped: 1 });
  });

  test('two profiles that kept a column as different types are a critical change', async () => {
    const reference = memorySide([column('x', normal(1))], { kind: 'profile' });
    const current = memorySide([column('x', normal(2).map(String), { type: 'categorical' })], {
      kind: 'profile',
    });
    const report = await compare(reference, current);
    expect(report.schema.typeChanged).toEqual([{ column: 'x', from: 'numeric', to: 'categorical' }]);
  });

  test('a profile of the current data decides how the reference is read', async () => {
    const codes = (seed: number): number[] => new Random(seed).numbers(800, (random) => random.whole(3));
    const current = memorySide([column('x', codes(2), { type: 'categorical', integers: true })], {
      kind: 'profile',
    });
    const report = await compare([column('x', codes(1))], current);
    expect(columnOf(report, 'x')).toMatchObject({ type: 'categorical', verdict: 'stable' });
  });
});

describe('columns of nulls', () => {
  test('a column that became all null is critical', async () => {
    const report = await compare([column('x', normal(1))], [column('x', Array(1000).fill(null))]);
    expect(checkOf(report, 'x', 'all-null')).toMatchObject({
      severity: 'critical',
      message: 'all 1000 rows are null now, 0 % were',
    });
    expect(columnOf(report, 'x').message).toMatch(
      /^`x` critical: all 1000 rows are null now, 0 % were, q=\S+, n=1000\/0$/,
    );
  });

  test('a column that is null on both sides is skipped with the reason', async () => {
    const report = await compare(
      [column('a', normal(1)), column('x', [null, null])],
      [column('a', normal(2)), column('x', [null])],
    );
    expect(columnOf(report, 'x')).toMatchObject({
      verdict: 'skipped',
      type: null,
      skipped: 'all of it is null on both sides',
    });
  });

  test('a column that was all null and is filled now is drift in its nulls', async () => {
    const report = await compare([column('x', Array(1000).fill(null))], [column('x', normal(1))]);
    expect(checkOf(report, 'x', 'null-share')).toMatchObject({ verdict: 'drift', severity: 'critical' });
    expect(checkOf(report, 'x', 'distribution')).toMatchObject({
      verdict: 'skipped',
      reason: 'the reference has no values',
    });
  });
});

describe('which columns are compared', () => {
  const reference = [
    column('a', normal(1)),
    column('b', normal(2)),
    column('c', normal(3)),
    column('y', normal(4)),
  ];
  const current = [
    column('a', normal(5)),
    column('b', normal(6)),
    column('c', normal(7)),
    column('y', normal(8)),
  ];

  test('only those that were asked for, and those with a role', async () => {
    const report = await compare(reference, current, { columns: ['b'], target: 'y' });
    expect(report.columns.map(({ column: name, role }) => [name, role])).toEqual([
      ['b', 'feature'],
      ['y', 'target'],
    ]);
  });

  test('excluded and ignored columns are listed as skipped', async () => {
    const policy = testPolicy({ ignored: ['c'] });
    const report = await compare(reference, current, { exclude: ['b'], policy });
    expect(columnOf(report, 'b').skipped).toBe('left out by --exclude');
    expect(columnOf(report, 'c').skipped).toBe('left out by the test');
    expect(report.totals).toMatchObject({ columns: 4, stable: 2, skipped: 2 });
  });

  test('a target that the current data does not have yet is no dropped column; a prediction is one', async () => {
    const unlabelled = current.filter(({ name }) => name !== 'y');
    const target = await compare(reference, unlabelled, { target: 'y' });
    expect(columnOf(target, 'y')).toMatchObject({
      verdict: 'skipped',
      skipped: 'the current data has no labels',
    });
    const prediction = await compare(reference, unlabelled, { prediction: 'y' });
    expect(columnOf(prediction, 'y')).toMatchObject({
      verdict: 'drift',
      severity: 'critical',
      role: 'prediction',
    });
  });

  test('a column that is missing is critical also where it was asked for by name', async () => {
    const report = await compare(
      reference,
      current.filter(({ name }) => name !== 'b'),
      { columns: ['b'] },
    );
    expect(columnOf(report, 'b').severity).toBe('critical');
  });

  test.each(['columns', 'exclude'] as const)(
    'an unknown name in --%s is refused with the nearest one',
    async (option) => {
      const long = [column('amount', normal(1))];
      await expect(compare(long, long, { [option]: ['amuont'] })).rejects.toMatchObject({
        code: 'UNKNOWN_COLUMN',
        exitCode: 2,
        message: `--${option}: neither side has a column amuont`,
        hint: 'did you mean amount?',
      });
    },
  );

  test.each(['target', 'prediction'] as const)('an unknown --%s is refused', async (option) => {
    await expect(compare(reference, current, { [option]: 'label' })).rejects.toMatchObject({
      code: 'UNKNOWN_COLUMN',
    });
  });

  test('files without a common column are refused', async () => {
    await expect(compare([column('a', [1])], [column('b\u001b[31m', [1])])).rejects.toMatchObject({
      code: 'NO_COMMON_COLUMNS',
      exitCode: 2,
      message: 'reference.csv and current.csv have no column in common',
      hint: 'the reference has a; the current data has b\\x1b[31m',
    });
  });

  test('a side without rows is refused', async () => {
    await expect(compare([column('a', [1, 2])], [column('a', [])])).rejects.toMatchObject({
      code: 'NO_ROWS',
      exitCode: 2,
      message: 'current.csv has no rows',
    });
    await expect(compare([column('a', [])], [column('a', [1])])).rejects.toMatchObject({
      message: 'reference.csv has no rows',
    });
  });

  test('a hostile name is one harmless line in messages', async () => {
    const name = '<script>`\n\u001b[2J\u202e';
    const report = await compare([column(name, normal(1))], [column(name, normal(2, 1000, 3))]);
    expect(columnOf(report, name).message).toMatch(/^`<script>`\\n\\x1b\[2J\\u202e` critical: /);
    expect(report.message).not.toMatch(/[\n\u001b\u202e]/);
  });
});
