import type { BatchObservation, ObservedEffect } from './calibrate-floors.ts';
import { limitOf } from './policy/checks-of.ts';
import type { CheckName, ColumnReport, DriftReport } from './report.ts';

/** Findings about the shape of a file: no limit decides them. */
const BREAKS: ReadonlySet<CheckName> = new Set(['missing-column', 'type-change', 'all-null']);

/** What a report of the policy `default` says of a batch, limits aside. */
export function observe(report: DriftReport, name: string): BatchObservation {
  const breaks = report.columns.flatMap(({ column, checks }) =>
    checks
      .filter(({ check, verdict }) => BREAKS.has(check) && verdict === 'drift')
      .map(({ message }) => ({ column, message })),
  );
  const effects = report.columns.flatMap((column) => effectsOf(column, report.alpha));
  return { name, rows: report.rows.current, effects, breaks };
}

function effectsOf({ column, checks, reference }: ColumnReport, alpha: number): ObservedEffect[] {
  const observed = new Map<string, ObservedEffect>();
  for (const { check, qValue, effects } of checks) {
    if (BREAKS.has(check)) continue;
    for (const { kind, value } of effects) {
      const limit = limitOf(check, kind, reference?.nulls ?? 0);
      if (limit === undefined) continue;
      const effect = { column, limit, value, significant: qValue !== null && qValue <= alpha };
      const known = observed.get(limit);
      // Both ends of a range share a limit.
      if (known === undefined || isMore(effect, known)) observed.set(limit, effect);
    }
  }
  return [...observed.values()];
}

function isMore(effect: ObservedEffect, than: ObservedEffect): boolean {
  if (effect.significant !== than.significant) return effect.significant;
  return effect.value > than.value;
}
