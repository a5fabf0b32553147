import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SEVERITIES, type Severity } from '../../../src/core/drift/report.ts';
import { checkOf, columnOf, compare } from './support/compare.ts';
import { type Cell, column, memorySide, type MemoryColumn } from './support/memory-side.ts';
import { Random } from './support/random.ts';

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);

/** Numbers as files have them: few different ones, any double, or NaN and infinities among them. */
const number = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1e308, -1e308, 5e-324, Infinity, -Infinity, Number.NaN),
);
const text = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '', '__proto__'),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const cells = (of: fc.Arbitrary<Cell>): fc.Arbitrary<Cell[]> =>
  fc.array(fc.oneof({ weight: 6, arbitrary: of }, { weight: 1, arbitrary: fc.constant(null) }), {
    minLength: 1,
    maxLength: 40,
  });

/** One column of any type on both sides. */
const pair = fc.oneof(
  fc.tuple(
    fc.constant('numeric' as const),
    cells(fc.oneof(number, number, text)),
    cells(fc.oneof(number, text)),
  ),
  fc.tuple(fc.constantFrom('categorical' as const, 'text' as const), cells(text), cells(text)),
  fc.tuple(fc.constant('boolean' as const), cells(fc.boolean()), cells(fc.oneof(fc.boolean(), text))),
  fc.tuple(
    fc.constant('datetime' as const),
    cells(fc.date({ noInvalidDate: true })),
    cells(fc.oneof(fc.date({ noInvalidDate: true }), text)),
  ),
);

const asColumn = (type: MemoryColumn['type'], values: readonly Cell[]): MemoryColumn =>
  column('x', values, type === undefined ? {} : { type });

describe('whatever the data', () => {
  test('there is a report without NaN or infinity, with a message of one line', async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ([type, before, after]) => {
        const report = await compare([asColumn(type, before)], [asColumn(type, after)]);
        const x = columnOf(report, 'x');
        for (const line of [
          x.message,
          report.message,
          ...x.notes,
          ...x.checks.map(({ message }) => message),
        ]) {
          expect(line.replaceAll('NaN and infinities', '')).not.toMatch(/[\n\r\u001b]|NaN|undefined/);
        }
        expect(x.verdict === 'skipped').toBe(x.skipped !== null);
        for (const check of x.checks) if (check.pValue === null) expect(check.reason).not.toBeNull();
      }),
      { numRuns: 250 },
    );
  });

  test('data is stable or inconclusive against itself, never drift', async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ([type, before]) => {
        const report = await compare([asColumn(type, before)], [asColumn(type, before)]);
        expect(report.verdict).not.toBe('drift');
        expect(report.severity).toBe('none');
      }),
      { numRuns: 120 },
    );
  });

  test('the order of the rows says nothing about the verdict where neighbours are not known', async () => {
    await fc.assert(
      fc.asyncProperty(pair, fc.nat(), async ([type, before, after], seed) => {
        const random = new Random(seed);
        const side = (values: readonly Cell[]) =>
          memorySide([asColumn(type, values)], { withoutOrder: true });
        const straight = await compare(side(before), side(after));
        const mixed = await compare(side(random.shuffled(before)), side(random.shuffled(after)));
        const shape = (report: typeof straight) =>
          report.columns.map(({ verdict, severity, checks }) => [
            verdict,
            severity,
            checks.map(({ check, pValue, effect }) => [check, pValue, effect]),
          ]);
        expect(shape(mixed)).toEqual(shape(straight));
      }),
      { numRuns: 120 },
    );
  });

  test('swapped sides have the same distance and p', async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ([type, before, after]) => {
        const there = await compare([asColumn(type, before)], [asColumn(type, after)]);
        const back = await compare([asColumn(type, after)], [asColumn(type, before)]);
        const shape = (report: typeof there) => {
          const found = columnOf(report, 'x').checks.find(({ check }) => check === 'distribution');
          return { d: found?.statistic ?? null, p: found?.pValue ?? null };
        };
        const forward = shape(there);
        const backward = shape(back);
        if (forward.d === null || backward.d === null) return;
        expect(backward.d).toBeCloseTo(forward.d, 10);
        // Later times are not tested, earlier ones are.
        if (forward.p === null || backward.p === null) return;
        expect(Math.abs(backward.p - forward.p)).toBeLessThan(1e-9);
      }),
      { numRuns: 120 },
    );
  });
});

describe('the severity', () => {
  test('does not fall while values move away', async () => {
    const before = new Random(1).numbers(1500);
    const after = new Random(2).numbers(1500);
    const severities: number[] = [];
    for (let shift = 0; shift <= 3; shift += 0.15) {
      const report = await compare(
        [column('x', before)],
        [
          column(
            'x',
            after.map((value) => value + shift),
          ),
        ],
      );
      severities.push(rank(checkOf(report, 'x', 'distribution').severity));
    }
    expect(severities).toEqual(severities.toSorted((x, y) => x - y));
    expect([severities[0], severities.at(-1)]).toEqual([rank('none'), rank('critical')]);
  });

  test('does not fall while more cells become null, a constant, unknown or unreadable', async () => {
    const before = new Random(3).numbers(1500);
    const after = new Random(4).numbers(1500);
    const levels = new Random(5).levels(1500, [0.6, 0.4]);
    for (const [fill, reference] of [
      [null, before],
      [0.5, before],
      ['?', before],
      [Infinity, before],
      ['new', levels],
    ] as const) {
      const severities: number[] = [];
      for (let share = 0; share < 1; share += 0.05) {
        const source: readonly Cell[] = reference === levels ? new Random(6).levels(1500, [0.6, 0.4]) : after;
        const current = source.map((value, row): Cell => (row < share * 1500 ? fill : value));
        severities.push(rank((await compare([column('x', reference)], [column('x', current)])).severity));
      }
      expect(severities).toEqual(severities.toSorted((x, y) => x - y));
      expect(severities.at(-1)).toBe(rank('critical'));
    }
  });
});
