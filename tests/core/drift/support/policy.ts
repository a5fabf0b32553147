import { DEFAULT_LIMITS, type LimitName, type Limits } from '../../../../src/core/drift/policy/limits.ts';
import { type DriftPolicy, POLICY_NAMES, type PolicyKind } from '../../../../src/core/drift/policy/policy.ts';
import type { Severity } from '../../../../src/core/drift/report.ts';
import type { ColumnType } from '../../../../src/storage/tables/table.ts';

export interface TestPolicy {
  readonly kind?: PolicyKind;
  readonly alpha?: number;
  readonly failOn?: Exclude<Severity, 'none'>;
  readonly failOnInconclusive?: boolean;
  readonly ignored?: readonly string[];
  readonly types?: ReadonlyMap<string, ColumnType>;
  readonly weights?: ReadonlyMap<string, number>;
  readonly limits?: Partial<Record<LimitName, Limits>>;
}

/** The rules of a run with the defaults of the policy. */
export function testPolicy(options: TestPolicy = {}): DriftPolicy {
  const { kind = 'default', failOn = 'medium', failOnInconclusive = false, weights } = options;
  const resolved = <Value>(value: Value) => ({ value, origin: 'the test' });
  return {
    kind,
    name: POLICY_NAMES[kind],
    alpha: resolved(options.alpha ?? (kind === 'pvalue' ? 0.05 : 0.01)),
    failOn: resolved(failOn),
    failOnInconclusive: resolved(failOnInconclusive),
    isWeighted: weights !== undefined,
    column: (name) => {
      const type = options.types?.get(name);
      return {
        ignored: resolved(options.ignored?.includes(name) ?? false),
        type: type === undefined ? undefined : resolved(type),
        weight: resolved(weights?.get(name) ?? 1),
        limits: (limit) => resolved(options.limits?.[limit] ?? DEFAULT_LIMITS[limit]),
      };
    },
  };
}
