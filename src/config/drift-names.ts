/** Words of the `drift` section of a configuration, and of the options that mean the same. */

/** `default`: p and effect. `pvalue`: Kolmogorov-Smirnov with p alone. `psi`: the population stability index with its usual cut-offs. */
export const DRIFT_POLICIES = ['default', 'pvalue', 'psi'] as const;

export const DRIFT_FAIL_ON = ['low', 'medium', 'high', 'critical'] as const;
export type DriftFailOn = (typeof DRIFT_FAIL_ON)[number];

export const DRIFT_COLUMN_TYPES = ['numeric', 'categorical', 'boolean', 'datetime', 'text'] as const;

/** The effects that have limits. All are shares of rows but `W`, which counts robust standard deviations of the reference. */
export const DRIFT_LIMITS = [
  'D',
  'W',
  'excessTvd',
  'nullShare',
  'nullShareFromZero',
  'unseenShare',
  'outOfRange',
  'pointMass',
  'nonFinite',
  'unparsable',
  'gap',
  'characterClasses',
  'emptyStrings',
] as const;
export type DriftLimit = (typeof DRIFT_LIMITS)[number];
