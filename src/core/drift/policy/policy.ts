import type { ColumnType } from '../../../storage/tables/table.ts';
import type { Severity } from '../report.ts';
import type { LimitName, Limits, Resolved } from './limits.ts';

/** `default`: p and effect. `pvalue`: Kolmogorov-Smirnov with p alone. `psi`: the population stability index with its usual cut-offs. */
export const POLICY_KINDS = ['default', 'pvalue', 'psi'] as const;
export type PolicyKind = (typeof POLICY_KINDS)[number];

/** As reports name the rules: a change of any limit or test is a new version. */
export const POLICY_NAMES: Readonly<Record<PolicyKind, string>> = {
  default: 'mlops-2',
  pvalue: 'pvalue-1',
  psi: 'psi-1',
};

/** What holds for one column, each number with the place it comes from. */
export interface ColumnRules {
  /** Left out of the comparison. */
  readonly ignored: Resolved<boolean>;
  /** Undefined: inferred on the reference. */
  readonly type: Resolved<ColumnType> | undefined;
  /** Importance. */
  readonly weight: Resolved<number>;
  limits(name: LimitName): Resolved<Limits>;
}

/** The rules of one run, after defaults < config < `--config` < options. */
export interface DriftPolicy {
  readonly kind: PolicyKind;
  /** Name and version. */
  readonly name: string;
  readonly alpha: Resolved<number>;
  readonly failOn: Resolved<Exclude<Severity, 'none'>>;
  readonly failOnInconclusive: Resolved<boolean>;
  /** Whether importances were given: reports then hold the weighted effect. */
  readonly isWeighted: boolean;
  column(name: string): ColumnRules;
}
