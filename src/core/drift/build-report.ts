import { missingColumn } from './checks/schema.ts';
import { columnReport } from './column-report.ts';
import type { ComparedColumn } from './compared.ts';
import { correctTogether } from './family.ts';
import type { DriftPolicy, PolicyKind } from './policy/policy.ts';
import { type Check, type ColumnReport, type DriftReport, SEVERITIES, type Severity } from './report.ts';
import type { Side } from './side.ts';
import { percent, quoted } from './text-of.ts';
import { highest, isAtLeast, judge } from './verdict.ts';

export interface Built {
  readonly reference: Side;
  readonly current: Side;
  readonly policy: DriftPolicy;
  readonly columns: readonly ComparedColumn[];
  readonly renamed: DriftReport['schema']['renamed'];
}

/** The report of compared columns: corrects their p values together and judges them. */
export function buildReport(built: Built): DriftReport {
  const { reference, current, policy, renamed } = built;
  const rule = { kind: policy.kind, alpha: policy.alpha.value };
  const compared = withRenames(built.columns, renamed);
  const family = correctTogether(compared.map(({ findings }) => findings));
  const reports = compared.map((column, index) => {
    const q = family.q[index] ?? [];
    const checks = column.findings.map((finding, at) => judge(finding, q[at] ?? null, rule));
    return columnReport(column, checks, policy.kind);
  });
  const columns = reports.toSorted((x, y) => bySeverity(x.severity, y.severity));
  const verdict = verdictOf(columns);
  const severity = highest(columns.map((column) => column.severity));
  const alerts = alertsOf(columns, policy);
  const sides = { reference: reference.facts(), current: current.facts() };
  return {
    format: 'mlops.drift-report/1',
    verdict,
    severity,
    policy: policy.name,
    alpha: policy.alpha.value,
    failOn: policy.failOn.value,
    failed:
      alerts.some((alert) => isAtLeast(alert.severity, policy.failOn.value)) ||
      (policy.failOnInconclusive.value && verdict === 'inconclusive'),
    message: messageOf(columns, verdict),
    sources: { reference: sourceOf(reference), current: sourceOf(current) },
    rows: { reference: sides.reference.rows, current: sides.current.rows },
    totals: totalsOf(columns, family.tests),
    driftedShare: driftedShare(columns),
    weightedEffect: policy.isWeighted ? weightedEffect(columns, policy.kind) : null,
    alerts,
    columns,
    schema: schemaOf(compared, reports, renamed),
    notes: [...notesOf(reference), ...notesOf(current)],
  };
}

function bySeverity(x: Severity, y: Severity): number {
  return SEVERITIES.indexOf(y) - SEVERITIES.indexOf(x);
}

/** The finding about a missing column says which added one looks like it. */
function withRenames(
  columns: readonly ComparedColumn[],
  renamed: Built['renamed'],
): readonly ComparedColumn[] {
  const to = new Map(renamed.map((rename) => [rename.from, rename.to]));
  return columns.map((column) => {
    const name = to.get(column.column);
    if (name === undefined) return column;
    const findings = column.findings.map((finding) =>
      finding.check === 'missing-column' ? missingColumn(name) : finding,
    );
    return { ...column, findings };
  });
}

/** Where nothing was compared nothing is known, which is no reason to be content. */
function verdictOf(columns: readonly ColumnReport[]): DriftReport['verdict'] {
  if (columns.some(({ verdict }) => verdict === 'drift')) return 'drift';
  const isKnown = columns.some(({ verdict }) => verdict === 'stable');
  return !isKnown || columns.some(({ verdict }) => verdict === 'inconclusive') ? 'inconclusive' : 'stable';
}

/** Findings from `low` on; of the policy `pvalue`, whose `low` means that nothing was found, those that are drift. */
function alertsOf(columns: readonly ColumnReport[], { kind }: DriftPolicy): DriftReport['alerts'] {
  const isAlert = (check: Check): boolean =>
    check.severity !== 'none' && (kind !== 'pvalue' || check.verdict !== 'stable');
  return columns
    .flatMap(({ column, checks }) =>
      checks.filter(isAlert).map(({ severity, message, check }) => ({ column, severity, message, check })),
    )
    .toSorted((x, y) => bySeverity(x.severity, y.severity));
}

function totalsOf(columns: readonly ColumnReport[], tests: number): DriftReport['totals'] {
  const verdicts = (verdict: ColumnReport['verdict']): number =>
    columns.filter((column) => column.verdict === verdict).length;
  const severities = (severity: Severity): number =>
    columns.filter((column) => column.severity === severity).length;
  return {
    columns: columns.length,
    drift: verdicts('drift'),
    stable: verdicts('stable'),
    inconclusive: verdicts('inconclusive'),
    skipped: verdicts('skipped'),
    low: severities('low'),
    medium: severities('medium'),
    high: severities('high'),
    critical: severities('critical'),
    tests,
  };
}

function driftedShare(columns: readonly ColumnReport[]): number | null {
  const compared = columns.filter(({ verdict }) => verdict !== 'skipped');
  return compared.length === 0
    ? null
    : compared.filter(({ verdict }) => verdict === 'drift').length / compared.length;
}

const LARGEST_EFFECT = 4;

/** By weight, the mean of each compared column's largest significant effect in units of its `medium` limit; null without weight. */
function weightedEffect(columns: readonly ColumnReport[], kind: PolicyKind): number | null {
  let sum = 0;
  let weights = 0;
  for (const { verdict, weight, checks } of columns) {
    if (verdict === 'skipped') continue;
    weights += weight;
    sum += weight * Math.max(0, ...checks.map((check) => effectInUnits(check, kind)));
  }
  return weights > 0 ? sum / weights : null;
}

function effectInUnits({ verdict, severity, effects }: Check, kind: PolicyKind): number {
  // Under `pvalue` low means that nothing was found.
  const isFound = verdict === 'drift' || (severity !== 'none' && kind !== 'pvalue');
  if (!isFound) return 0;
  const units = effects.map(({ kind: effectKind, value, medium }) => {
    if (effectKind === 'schema' || medium === 0) return LARGEST_EFFECT;
    return medium === null ? 0 : value / medium;
  });
  return Math.min(LARGEST_EFFECT, Math.max(0, ...units));
}

/** @param reports of the columns, in the same order */
function schemaOf(
  columns: readonly ComparedColumn[],
  reports: readonly ColumnReport[],
  renamed: Built['renamed'],
): DriftReport['schema'] {
  const having = (check: Check['check']): string[] =>
    columns
      .filter(({ findings }) => findings.some((finding) => finding.check === check))
      .map(({ column }) => column);
  const typeChanged = columns.flatMap(({ column, findings }, index) => {
    const isDrift = reports[index]?.checks.some(
      ({ check, verdict }) => check === 'type-change' && verdict === 'drift',
    );
    const retyped = findings.find((finding) => finding.retyped !== undefined)?.retyped;
    return retyped === undefined || isDrift !== true ? [] : [{ column, ...retyped }];
  });
  return {
    missing: having('missing-column'),
    added: having('new-column'),
    typeChanged,
    renamed: [...renamed],
  };
}

function sourceOf(side: Side): DriftReport['sources']['reference'] {
  const { name, kind } = side;
  return { name, kind, duplicates: side.facts().duplicates };
}

const MANY_DUPLICATES = 0.2;

function notesOf(side: Side): string[] {
  const { duplicates, notes } = side.facts();
  const said = notes.map((note) => `${quoted(side.name)}: ${note}`);
  if (duplicates === null || duplicates.share <= MANY_DUPLICATES) return said;
  const share = `${duplicates.exact ? '' : 'about '}${percent(duplicates.share)}`;
  return [
    ...said,
    `${quoted(side.name)}: ${share} of the rows repeat an earlier one exactly, and p values take all rows for independent`,
  ];
}

function messageOf(columns: readonly ColumnReport[], verdict: DriftReport['verdict']): string {
  const amount = columns.filter((column) => column.verdict !== 'skipped').length;
  const compared = `${amount} ${amount === 1 ? 'column' : 'columns'}`;
  const drifted = columns.filter((column) => column.verdict === 'drift');
  const worst = columns[0];
  if (verdict === 'drift' && worst !== undefined) {
    const by = SEVERITIES.toReversed().flatMap((severity) => {
      const count = drifted.filter((column) => column.severity === severity).length;
      return count === 0 ? [] : [`${count} ${severity}`];
    });
    return `drift in ${drifted.length} of ${compared} (${by.join(', ')}); ${worst.message}`;
  }
  const unsure = columns.filter((column) => column.verdict === 'inconclusive').length;
  if (amount === 0) return 'inconclusive: no column could be compared';
  if (verdict === 'inconclusive')
    return `inconclusive: too few rows for a verdict on ${unsure} of ${compared}, no drift in the others`;
  const low = columns.filter((column) => column.severity === 'low' && column.verdict === 'stable').length;
  return `no drift in ${compared}${low === 0 ? '' : ` (small changes in ${low})`}`;
}
