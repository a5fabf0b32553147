import type { ColumnType } from '../../../storage/tables/table.ts';
import type { CheckName } from '../report.ts';
import type { LimitName } from './limits.ts';
import type { PolicyKind } from './policy.ts';

/** A check with the effects that it holds against limits. */
export interface CheckRule {
  readonly check: CheckName;
  /** How p is found. */
  readonly test: string;
  readonly effects: readonly EffectRule[];
}

export interface EffectRule {
  readonly limit: LimitName;
  /** As `effectKind` of the report has it. */
  readonly kind: string;
  /** When it counts; undefined: always. */
  readonly when?: string;
}

const KS = 'Kolmogorov-Smirnov';
const SHARES = 'Fisher or z';
const EXCEEDANCE = 'exceedance';
const HOMOGENEITY = 'chi-square or Fisher';

const one = (limit: LimitName, kind: string): EffectRule[] => [{ limit, kind }];

const SHAPE: CheckRule = {
  check: 'distribution',
  test: KS,
  effects: [
    { limit: 'D', kind: 'D' },
    { limit: 'W', kind: 'W' },
  ],
};
const LEVELS: CheckRule = {
  check: 'distribution',
  test: HOMOGENEITY,
  effects: one('excessTvd', 'excessTvd'),
};
const NULLS: CheckRule = {
  check: 'null-share',
  test: SHARES,
  effects: [
    { limit: 'nullShare', kind: 'shareDifference', when: 'the reference has nulls' },
    { limit: 'nullShareFromZero', kind: 'shareDifference', when: 'the reference has no nulls' },
  ],
};
const UNPARSABLE: CheckRule = {
  check: 'unparsable',
  test: SHARES,
  effects: one('unparsable', 'shareDifference'),
};
const ORDER: readonly CheckRule[] = [
  { check: 'below-range', test: EXCEEDANCE, effects: one('outOfRange', 'share') },
  { check: 'above-range', test: EXCEEDANCE, effects: one('outOfRange', 'share') },
  { check: 'point-mass', test: SHARES, effects: one('pointMass', 'shareDifference') },
];
const UNSEEN: CheckRule = {
  check: 'unseen-categories',
  test: EXCEEDANCE,
  effects: one('unseenShare', 'share'),
};

/** What the policy `mlops-2` tests of columns of each type, in the order in which it is listed. */
const CHECKS_OF: Readonly<Record<ColumnType, readonly CheckRule[]>> = {
  numeric: [
    SHAPE,
    NULLS,
    ...ORDER,
    { check: 'non-finite', test: SHARES, effects: one('nonFinite', 'shareDifference') },
    UNPARSABLE,
  ],
  datetime: [
    SHAPE,
    NULLS,
    ...ORDER,
    UNPARSABLE,
    { check: 'gap', test: 'spacing', effects: one('gap', 'share') },
  ],
  categorical: [LEVELS, NULLS, UNSEEN],
  boolean: [LEVELS, NULLS, UNSEEN, UNPARSABLE],
  text: [
    SHAPE,
    NULLS,
    { check: 'character-classes', test: HOMOGENEITY, effects: one('characterClasses', 'excessTvd') },
    { check: 'empty-strings', test: SHARES, effects: one('emptyStrings', 'shareDifference') },
  ],
};

/** What is tested of a column of that type. The policies `pvalue` and `psi` judge the distribution alone, and hold no effect against these limits. */
export function checksOf(type: ColumnType, kind: PolicyKind): readonly CheckRule[] {
  const checks = CHECKS_OF[type];
  return kind === 'default' ? checks : checks.filter(({ check }) => check === 'distribution');
}

/**
 * The limit that an effect of a report was held against; undefined for effects without one, such as those of the schema.
 *
 * @param referenceNulls nulls of the reference: a column that had none is held to more
 */
export function limitOf(check: CheckName, effectKind: string, referenceNulls: number): LimitName | undefined {
  if (check === 'null-share') return referenceNulls === 0 ? 'nullShareFromZero' : 'nullShare';
  return LIMITS.get(`${check} ${effectKind}`);
}

const LIMITS: ReadonlyMap<string, LimitName> = new Map(
  Object.values(CHECKS_OF).flatMap((checks) =>
    checks.flatMap(({ check, effects }) =>
      effects.map(({ kind, limit }) => [`${check} ${kind}`, limit] as const),
    ),
  ),
);
