import { DRIFT_LIMITS, type DriftLimit } from '../../../config/drift-names.ts';

/**
 * From which effect on a finding is of which severity; each at least as large as the one before. Infinity for a severity that is never
 * reached.
 */
export interface Limits {
  readonly medium: number;
  readonly high: number;
  readonly critical: number;
}

/** The effects that have limits, by the names that config and `--explain` use. */
export const LIMIT_NAMES = DRIFT_LIMITS;
export type LimitName = DriftLimit;

/** A column's number with the place it comes from, as `drift --explain` prints it. */
export interface Resolved<Value> {
  readonly value: Value;
  /** `default of mlops-2`, `config .mlops/config.json drift.columns.age.effect`, `--alpha`. */
  readonly origin: string;
}

/** The limits of `mlops-2`: shares of rows, but W in robust standard deviations of the reference. */
export const DEFAULT_LIMITS: Readonly<Record<LimitName, Limits>> = {
  D: { medium: 0.1, high: 0.2, critical: 0.4 },
  W: { medium: 0.25, high: 0.5, critical: 1.5 },
  excessTvd: { medium: 0.1, high: 0.2, critical: 0.4 },
  nullShare: { medium: 0.05, high: 0.2, critical: 0.5 },
  // A column that had no nulls promised something.
  nullShareFromZero: { medium: 0.01, high: 0.2, critical: 0.5 },
  unseenShare: { medium: 0.01, high: 0.05, critical: 0.2 },
  outOfRange: { medium: 0.005, high: 0.02, critical: 0.1 },
  pointMass: { medium: 0.05, high: 0.2, critical: 0.5 },
  nonFinite: { medium: 0.01, high: 0.2, critical: 0.5 },
  unparsable: { medium: 0.01, high: 0.2, critical: 0.5 },
  gap: { medium: 0.05, high: 0.2, critical: 0.5 },
  characterClasses: { medium: 0.1, high: 0.2, critical: 0.4 },
  emptyStrings: { medium: 0.05, high: 0.2, critical: 0.5 },
};

/** The floor in `D` and `excessTvd` that the limits of a shape are made for; another one scales them all. */
export const DEFAULT_EFFECT = 0.1;

/** Which limits follow the floor `effect`: those of the shape of a distribution. */
export const SHAPE_LIMITS: ReadonlySet<LimitName> = new Set(['D', 'W', 'excessTvd', 'characterClasses']);

/**
 * The limits with the floor `effect`: `medium` is that of `mlops-2` times effect / 0.1, the others stay, but never below it.
 */
export function withFloor(name: LimitName, limits: Limits, effect: number): Limits {
  return atLeast({ ...limits, medium: DEFAULT_LIMITS[name].medium * (effect / DEFAULT_EFFECT) });
}

/** Limits as people write them: what is left out stays as it was, null is never reached. */
export interface WrittenLimits {
  readonly medium?: number | null | undefined;
  readonly high?: number | null | undefined;
  readonly critical?: number | null | undefined;
}

export const NEVER: Limits = { medium: Infinity, high: Infinity, critical: Infinity };

/**
 * Limits with others written over them (ascending where they are given). What is left out stays, moved as far as the written ones need to remain
 * in order: `high: 0.05` over a medium of 0.1 means that from 0.05 on a finding is at least medium as well.
 */
export function overwrite(limits: Limits, written: WrittenLimits | null): Limits {
  if (written === null) return NEVER;
  const given = (limit: number | null | undefined): number | undefined => (limit === null ? Infinity : limit);
  const medium = given(written.medium);
  const high = given(written.high);
  const critical = given(written.critical);
  return atLeast({
    medium: medium ?? Math.min(limits.medium, high ?? Infinity, critical ?? Infinity),
    high: high ?? Math.min(limits.high, critical ?? Infinity),
    critical: critical ?? limits.critical,
  });
}

/** The limits with one of them not below `floor`. */
export function raised(limits: Limits, severity: keyof Limits, floor: number): Limits {
  return atLeast({ ...limits, [severity]: Math.max(limits[severity], floor) });
}

/** The limits in ascending order: one that is below the one before is raised to it. */
export function atLeast({ medium, high, critical }: Limits): Limits {
  const least = Math.max(medium, high);
  return { medium, high: least, critical: Math.max(least, critical) };
}
