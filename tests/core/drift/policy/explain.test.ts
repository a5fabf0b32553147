import { describe, expect, it } from 'vitest';
import { compareSides } from '../../../../src/core/drift/compare.ts';
import { limitOf } from '../../../../src/core/drift/policy/checks-of.ts';
import { DriftExplanation, explainDrift } from '../../../../src/core/drift/policy/explain.ts';
import { POLICY_KINDS, type PolicyKind } from '../../../../src/core/drift/policy/policy.ts';
import { resolvePolicy } from '../../../../src/core/drift/policy/resolve.ts';
import type { CheckName } from '../../../../src/core/drift/report.ts';
import type { DriftSettings } from '../../../../src/config/drift-settings.ts';
import { column, memorySide, type Cell } from '../support/memory-side.ts';
import { Random } from '../support/random.ts';

const ROWS = 400;
const random = new Random(7);
const cells = (valueAt: (row: number) => Cell): Cell[] =>
  Array.from({ length: ROWS }, (_, row) => valueAt(row));
const every = (part: number, other: Cell, valueAt: (row: number) => Cell): Cell[] =>
  cells((row) => (row % part === 0 ? other : valueAt(row)));
const day = (row: number): Date => new Date(Date.UTC(2024, 0, 1) + row * 3_600_000);
const normal = (): number => random.normal();

/** Sides of which every check has something to say. */
const REFERENCE = memorySide([
  column('number', cells(normal)),
  column('nullable', every(10, null, normal)),
  column(
    'level',
    cells((row) => ['a', 'b', 'c'][row % 3] ?? ''),
  ),
  column(
    'flag',
    every(3, true, () => false),
  ),
  column(
    'time',
    cells((row) => day((row * 137) % ROWS)),
  ),
  column(
    'words',
    cells((row) => `word ${row % 10}`),
    { type: 'text' },
  ),
  column('gone', cells(normal)),
  column('empty', cells(normal)),
  column('coded', cells(normal)),
]);
const CURRENT = memorySide([
  column(
    'number',
    every(5, null, (row) => (row % 3 === 0 ? 9 : row % 7 === 0 ? Infinity : 'x')),
  ),
  column('nullable', every(2, null, normal)),
  column(
    'level',
    cells((row) => ['a', 'd'][row % 2] ?? ''),
  ),
  column(
    'flag',
    every(3, 'perhaps', () => true),
  ),
  column(
    'time',
    every(9, 'soon', (row) => day(row < ROWS / 2 ? row / 10 : 300 - ((row * 37) % 60))),
  ),
  column(
    'words',
    every(4, '', () => '1234567890 !'),
    { type: 'text' },
  ),
  column(
    'empty',
    cells(() => null),
  ),
  column(
    'coded',
    cells(() => 'no number'),
  ),
  column('new', cells(normal)),
]);

const SETTINGS: DriftSettings = {
  effect: 0.12,
  limits: { nullShare: { medium: 0.03 }, gap: { critical: null } },
  columns: { level: { limits: { unseenShare: { medium: 0.04 } } }, number: { effect: 0.2 } },
};

const policyOf = (kind: PolicyKind) =>
  resolvePolicy({ config: [{ origin: 'config.json', settings: SETTINGS }], options: { policy: kind } });

describe.each(POLICY_KINDS)('the explanation of the policy %s', (kind) => {
  it('names every check of the report with the limits that it was held against', async () => {
    const policy = policyOf(kind);
    const explanation = explainDrift({ reference: REFERENCE, current: CURRENT }, { policy });
    const report = await compareSides(REFERENCE, CURRENT, { policy });
    expect(DriftExplanation.parse(JSON.parse(JSON.stringify(explanation)))).toEqual(explanation);
    expect(explanation).toMatchObject({ policy: report.policy, kind, alpha: { value: report.alpha } });
    const seen = new Set<CheckName>();
    for (const { column: name, type, typeReason, checks, reference } of report.columns) {
      const explained = explanation.columns.find((each) => each.column === name);
      expect(explained).toMatchObject({ type, typeReason });
      for (const { check, effects, severity } of checks) {
        seen.add(check);
        const rule = explained?.checks.find((each) => each.check === check);
        if (rule === undefined) throw new Error(`${kind}: nothing is said of ${check} of ${name}`);
        if (rule.severity !== null) expect([rule.severity, 'none']).toContain(severity);
        if (rule.severity !== null) continue;
        for (const { kind: effectKind, medium, high, critical } of effects) {
          const limit = kind === 'default' ? limitOf(check, effectKind, reference?.nulls ?? 0) : null;
          const expected = rule.effects.find((effect) => effect.limit === limit);
          if (kind !== 'pvalue') expect(expected).toMatchObject({ kind: effectKind, medium, high, critical });
        }
      }
    }
    const breaks = ['missing-column', 'new-column', 'type-change', 'all-null'];
    const others = [
      'null-share',
      'unseen-categories',
      'below-range',
      'above-range',
      'point-mass',
      'non-finite',
      'unparsable',
      'gap',
      'character-classes',
      'empty-strings',
    ];
    const expected = [...breaks, 'distribution', ...(kind === 'default' ? others : [])];
    expect([...seen].toSorted()).toEqual(expected.toSorted());
  });
});

describe('explainDrift', () => {
  it('says where each rule comes from', () => {
    const policy = resolvePolicy({
      config: [{ origin: 'config.json', settings: { ...SETTINGS, ignore: ['coded'] } }],
      options: {
        alpha: 0.02,
        types: ['level=text'],
        exclude: ['flag'],
        weights: { source: 'w.csv', weights: new Map([['number', 3]]) },
      },
    });
    const { columns, ...rest } = explainDrift(
      { reference: REFERENCE, current: CURRENT },
      { policy, notes: ['a note'] },
    );
    const columnOf = (name: string) => columns.find((each) => each.column === name);
    expect(rest).toMatchObject({
      alpha: { value: 0.02, origin: '--alpha' },
      failOn: { value: 'medium', origin: 'default of mlops-2' },
      isWeighted: true,
      notes: ['a note'],
    });
    expect(columnOf('number')).toMatchObject({
      type: 'numeric',
      typeReason: 'as the test says',
      typeOrigin: 'inferred on the reference',
      weight: { value: 3, origin: '--weights w.csv' },
      skipped: null,
    });
    const [distribution] = columnOf('number')?.checks.filter(({ check }) => check === 'distribution') ?? [];
    expect(distribution).toMatchObject({
      significance: 'q <= 0.02',
      effects: [
        {
          limit: 'D',
          medium: 0.2,
          high: 0.2,
          critical: 0.4,
          origin: 'config .mlops/config.json drift.columns.number.effect',
        },
        {
          limit: 'W',
          medium: 0.5,
          high: 0.5,
          critical: 1.5,
          origin: 'config .mlops/config.json drift.columns.number.effect',
        },
      ],
    });
    expect(columnOf('level')).toMatchObject({ type: 'text', typeOrigin: '--type' });
    expect(columnOf('flag')).toMatchObject({ skipped: 'left out by --exclude', checks: [] });
    expect(columnOf('coded')).toMatchObject({
      skipped: 'left out by config .mlops/config.json drift.ignore.0',
    });
    expect(columnOf('gone')?.checks).toEqual([
      { check: 'missing-column', test: 'none', significance: null, severity: 'critical', effects: [] },
    ]);
    expect(columnOf('new')).toMatchObject({
      typeOrigin: 'inferred on the current data',
      checks: [{ check: 'new-column', severity: 'low' }],
    });
  });
});
