import * as z from 'zod';
import { CHECKS, COLUMN_TYPES, SEVERITIES, type Severity } from '../report.ts';
import { type ChosenColumn, type ColumnChoice, selectColumns } from '../selection.ts';
import type { Side } from '../side.ts';
import { checksOf, type CheckRule } from './checks-of.ts';
import { LIMIT_NAMES, type Limits, type Resolved } from './limits.ts';
import { type DriftPolicy, POLICY_KINDS } from './policy.ts';

const resolved = <Value extends z.ZodType>(value: Value) => z.object({ value, origin: z.string() });

const ExplainedEffect = z.object({
  /** The name that settings have for it; null for those of the literal policies, which have none. */
  limit: z.enum(LIMIT_NAMES).nullable(),
  /** As `effectKind` of the report. */
  kind: z.string(),
  /** When it counts; null: always. */
  when: z.string().nullable(),
  /** From where on a finding is of that severity (p: below); null where it is never reached. */
  medium: z.number().nullable(),
  high: z.number().nullable(),
  critical: z.number().nullable(),
  origin: z.string(),
});

const ExplainedCheck = z.object({
  check: z.enum(CHECKS),
  test: z.string(),
  /** What besides the limits makes it drift: `q <= 0.01`; null for facts. */
  significance: z.string().nullable(),
  /** Of a fact: its severity. */
  severity: z.enum(SEVERITIES).nullable(),
  effects: z.array(ExplainedEffect),
});
export type ExplainedCheck = z.output<typeof ExplainedCheck>;

const ExplainedColumn = z.object({
  column: z.string(),
  role: z.enum(['feature', 'target', 'prediction']),
  /** null where none could be told. */
  type: z.enum(COLUMN_TYPES).nullable(),
  typeReason: z.string(),
  /** `inferred on the reference` or where it was set. */
  typeOrigin: z.string(),
  weight: resolved(z.number()),
  /** Why it is not compared; null where it is. */
  skipped: z.string().nullable(),
  checks: z.array(ExplainedCheck),
});
export type ExplainedColumn = z.output<typeof ExplainedColumn>;

/** What `mlops drift --explain` prints: the rules of a run, before anything is compared. */
export const DriftExplanation = z.object({
  format: z.literal('mlops.drift-explanation/1'),
  policy: z.string(),
  kind: z.enum(POLICY_KINDS),
  /** When a check is drift, a phrase. */
  rule: z.string(),
  alpha: resolved(z.number()),
  failOn: resolved(z.enum(SEVERITIES)),
  failOnInconclusive: resolved(z.boolean()),
  /** Whether importances were given. */
  isWeighted: z.boolean(),
  columns: z.array(ExplainedColumn),
  /** About settings that no column of the data has. */
  notes: z.array(z.string()),
});
export type DriftExplanation = z.output<typeof DriftExplanation>;

export interface ExplainOptions extends ColumnChoice {
  readonly policy: DriftPolicy;
  readonly notes?: readonly string[];
}

/** The rules that a comparison of two sides would follow, column by column. Nothing is read but the first rows that the sides know already. */
export function explainDrift(
  { reference, current }: { reference: Side; current: Side },
  { policy, notes = [], ...choice }: ExplainOptions,
): DriftExplanation {
  const chosen = selectColumns(reference, current, { policy, ...choice });
  return {
    format: 'mlops.drift-explanation/1',
    policy: policy.name,
    kind: policy.kind,
    rule: ruleOf(policy),
    alpha: policy.alpha,
    failOn: policy.failOn,
    failOnInconclusive: policy.failOnInconclusive,
    isWeighted: policy.isWeighted,
    columns: chosen.map((column) => explainColumn(column, policy)),
    notes: [...notes],
  };
}

function ruleOf({ kind, alpha: { value } }: DriftPolicy): string {
  switch (kind) {
    case 'default':
      return `q <= ${value} over all checks together, and an effect at or above its medium limit`;
    case 'pvalue':
      return `p < ${value} for the distribution, whatever the effect; breaks of the schema are facts`;
    case 'psi':
      return 'a population stability index at or above its medium limit; breaks of the schema are facts';
  }
}

function explainColumn(column: ChosenColumn, policy: DriftPolicy): ExplainedColumn {
  const { name, role, rules, pinned, skipped, facts } = column;
  const isCompared = skipped === null && column.read.reference && column.read.current;
  const tests = isCompared && pinned !== null ? checksOf(pinned.type, policy.kind) : [];
  return {
    column: name,
    role,
    type: pinned?.type ?? null,
    typeReason: pinned?.reason ?? 'no type could be told',
    typeOrigin:
      rules.type?.origin ?? `inferred on the ${column.reference === null ? 'current data' : 'reference'}`,
    weight: rules.weight,
    skipped,
    checks: [
      ...facts.map(({ check, fixedSeverity }) => factOf(check, fixedSeverity ?? 'critical')),
      ...(isCompared ? breaksOf(policy) : []),
      ...tests.map((rule) => explainCheck(rule, column, policy)),
    ].filter(({ check }, index, all) => all.findIndex((other) => other.check === check) === index),
  };
}

function factOf(check: ExplainedCheck['check'], severity: Severity): ExplainedCheck {
  return { check, test: 'none', significance: null, severity, effects: [] };
}

/** Cells that can't be read any more, or are not there: under `mlops-2` as sure as every other finding, else facts. */
function breaksOf({ kind, alpha }: DriftPolicy): ExplainedCheck[] {
  const significance = kind === 'default' ? `q <= ${alpha.value}` : null;
  return (['type-change', 'all-null'] as const).map((check) => ({
    ...factOf(check, 'critical'),
    significance,
  }));
}

function explainCheck(
  { check, test, effects }: CheckRule,
  { rules }: ChosenColumn,
  policy: DriftPolicy,
): ExplainedCheck {
  const common = { check, severity: null };
  switch (policy.kind) {
    case 'default':
      return {
        ...common,
        test,
        significance: `q <= ${policy.alpha.value}`,
        effects: effects.map(({ limit, kind, when }) => ({
          limit,
          kind,
          when: when ?? null,
          ...finiteLimits(rules.limits(limit)),
        })),
      };
    case 'pvalue':
      return { ...common, test, significance: `p < ${policy.alpha.value}`, effects: [literalP(policy)] };
    case 'psi':
      return { ...common, test: 'psi', significance: null, effects: [literalPsi(policy)] };
  }
}

function finiteLimits({ value, origin }: Resolved<Limits>) {
  const finite = (limit: number): number | null => (Number.isFinite(limit) ? limit : null);
  return { medium: finite(value.medium), high: finite(value.high), critical: finite(value.critical), origin };
}

const HIGH_PART = 5;

function literalP({ alpha }: DriftPolicy): ExplainedCheck['effects'][number] {
  const { value, origin } = alpha;
  return {
    limit: null,
    kind: 'pValue',
    when: null,
    medium: value,
    high: value / HIGH_PART,
    critical: null,
    origin,
  };
}

function literalPsi({ name }: DriftPolicy): ExplainedCheck['effects'][number] {
  const origin = `default of ${name}`;
  return { limit: null, kind: 'psi', when: null, medium: 0.1, high: 0.25, critical: null, origin };
}
