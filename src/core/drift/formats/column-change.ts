import type { CategoryChange, Check, ColumnReport, DriftReport, Shift } from '../report.ts';
import { CHECKS, SEVERITIES, type Severity } from '../report.ts';
import { effectText, percent, probability, short, timeText } from '../text-of.ts';
import { joined, type Phrase } from './phrase.ts';

/** 0 for `none` to 4 for `critical`. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** How far an effect is on its way to drift: in units of the limit from which on it is medium; null without such a limit. */
export function effectRatio({ effects }: Pick<Check, 'effects'>): number | null {
  let most: number | null = null;
  for (const { value, medium } of effects) {
    if (medium === null || medium <= 0) continue;
    most = Math.max(most ?? 0, value / medium);
  }
  return most;
}

interface Judged {
  readonly severity: Severity;
  readonly verdict: ColumnReport['verdict'];
}

/** The severity to show: under the rule of p values alone, `low` is what the rule calls a column in which nothing was found. */
export function shownSeverity({ severity, verdict }: Judged, policy: string): Severity {
  return policy.startsWith('pvalue-') && verdict !== 'drift' ? 'none' : severity;
}

/** The checks that found something, the worst first. */
export function findingsOf({ checks }: Pick<ColumnReport, 'checks'>, policy: string): Check[] {
  return checks
    .filter((check) => shownSeverity(check, policy) !== 'none')
    .toSorted(
      (one, other) =>
        severityRank(other.severity) - severityRank(one.severity) ||
        (effectRatio(other) ?? 0) - (effectRatio(one) ?? 0) ||
        CHECKS.indexOf(one.check) - CHECKS.indexOf(other.check),
    );
}

/** The check that speaks for the column: the worst finding, or where nothing was found the comparison of the values. */
export function mainCheck(column: ColumnReport, policy: string): Check | undefined {
  return (
    findingsOf(column, policy)[0] ??
    column.checks.find(({ check }) => check === 'distribution') ??
    column.checks[0]
  );
}

const EFFECT_SYMBOLS: Readonly<Record<string, string>> = {
  D: 'D',
  W: 'W',
  excessTvd: 'TVD',
  psi: 'PSI',
  pValue: 'p',
};

/** `D 0.27`, `W 1.2`, `TVD 0.15`, `Δ 12 %`, `4 %`; empty where nothing was measured, as of a missing column. */
export function sizeText({ effect, effectKind }: Pick<Check, 'effect' | 'effectKind'>): string {
  if (effect === null || effectKind === null || effectKind === 'schema') return '';
  if (effectKind === 'share') return percent(effect);
  if (effectKind === 'shareDifference') return `Δ ${percent(effect)}`;
  const symbol = Object.hasOwn(EFFECT_SYMBOLS, effectKind) ? EFFECT_SYMBOLS[effectKind] : 'effect';
  return `${symbol} ${effectKind === 'pValue' ? probability(effect) : effectText(effect)}`;
}

/** How a value of this column is written for people. */
export function valueText({ type }: Pick<ColumnReport, 'type'>, value: number): string {
  if (type === 'datetime') return timeText(value);
  return type === 'text' ? `${short(value)} characters` : short(value);
}

/** What one check found: direction, place and size of the change. */
export function changeOf(
  check: Check,
  column: ColumnReport,
  { schema, policy }: Pick<DriftReport, 'schema' | 'policy'>,
): Phrase {
  const { reference, current } = column;
  switch (check.check) {
    case 'missing-column': {
      const renamed = schema.renamed.find(({ from }) => from === column.column);
      const guess = renamed === undefined ? [] : [', perhaps renamed to ', { data: renamed.to }];
      return ['missing from the current data', ...guess];
    }
    case 'new-column': {
      const renamed = schema.renamed.find(({ to }) => to === column.column);
      const guess = renamed === undefined ? [] : [', perhaps renamed from ', { data: renamed.from }];
      return ['only in the current data', ...guess];
    }
    case 'type-change': {
      const change = schema.typeChanged.find((each) => each.column === column.column);
      if (change === undefined) return [{ sentence: check.message }];
      return ['type ', { sentence: change.from }, ' → ', { sentence: change.to }];
    }
    case 'all-null':
    case 'null-share': {
      if (reference === null || current === null) return [{ sentence: check.message }];
      return [`nulls ${shareOf(reference.nulls, reference.rows)} → ${shareOf(current.nulls, current.rows)}`];
    }
    case 'unseen-categories':
      return unseenChange(check, column);
    case 'below-range':
    case 'above-range': {
      const side = check.check === 'below-range' ? 'below' : 'above';
      const outside = column.outOfRange.find((each) => each.side === side);
      if (outside === undefined) return [{ sentence: check.message }];
      const reach = side === 'below' ? 'down to' : 'up to';
      return [
        `${percent(outside.share)} ${side} ${valueText(column, outside.limit)}, ${reach} ${valueText(column, outside.reached)}`,
      ];
    }
    case 'distribution':
      return distributionChange(check, column, policy);
    default:
      return [{ sentence: check.message }];
  }
}

function shareOf(part: number, whole: number): string {
  return whole > 0 ? percent(Math.min(1, part / whole)) : 'none';
}

function distributionChange(check: Check, column: ColumnReport, policy: string): Phrase {
  if (column.shift !== null) return [shiftText(column, column.shift)];
  // New categories are a finding of their own.
  const isNamed = findingsOf(column, policy).some((found) => found.check === 'unseen-categories');
  const changed = (column.categories?.changed ?? []).filter(
    ({ referenceShare, currentShare }) =>
      referenceShare !== currentShare && !(isNamed && referenceShare === 0),
  );
  if (changed.length === 0) return [{ sentence: check.message }];
  return joined(changed.slice(0, 2).map(categoryChange), ', ');
}

const DIRECTIONS: Readonly<Record<Shift['direction'], string>> = {
  up: 'up',
  down: 'down',
  spread: 'wider',
  narrowed: 'narrower',
  none: 'shape',
};

/** `down: median 45 → 38; ≤ 42: 31 % → 58 %`, the shares being those of rows. */
function shiftText(column: ColumnReport, shift: Shift): string {
  const { direction, medianBefore, medianAfter, location, referenceShare, currentShare } = shift;
  const value = (number: number): string => valueText(column, number);
  const median =
    medianBefore === medianAfter
      ? `median ${value(medianBefore)}`
      : `median ${value(medianBefore)} → ${value(medianAfter)}`;
  const gap = `≤ ${value(location)}: ${percent(referenceShare)} → ${percent(currentShare)}`;
  return `${DIRECTIONS[direction]}: ${median}; ${gap}`;
}

/** `"DE" 31 % → 12 %`. */
export function categoryChange({ category, referenceShare, currentShare }: CategoryChange): Phrase {
  const shares = ` ${percent(referenceShare)} → ${percent(currentShare)}`;
  return category === null ? [`rare categories${shares}`] : [{ data: category }, shares];
}

const NAMED_CATEGORIES = 2;

function unseenChange(check: Check, { categories }: ColumnReport): Phrase {
  if (categories === null || categories.unseen.length === 0) return [{ sentence: check.message }];
  const named = categories.unseen.slice(0, NAMED_CATEGORIES).map(({ category }): Phrase => {
    return category === null ? ['rare categories'] : [{ data: category }];
  });
  const more = Math.max(0, categories.unseenCount - named.length);
  return [
    'new: ',
    ...joined(named, ', '),
    ...(more > 0 ? [` and ${more.toLocaleString('en-US')} more`] : []),
    ...(check.effectKind === 'share' && check.effect !== null
      ? [`, ${percent(check.effect)} of the rows`]
      : []),
  ];
}

const MOST_FINDINGS = 3;

/** What a reader of one line wants to know of the column: its worst findings, or why there is no answer. */
export function columnChange(column: ColumnReport, report: Pick<DriftReport, 'schema' | 'policy'>): Phrase {
  const findings = findingsOf(column, report.policy);
  if (findings.length > 0) {
    const shown = findings.slice(0, MOST_FINDINGS).map((check) => changeOf(check, column, report));
    const more = findings.length - shown.length;
    return [...joined(shown, '; '), ...(more > 0 ? [`; ${more} more`] : [])];
  }
  if (column.verdict === 'skipped') return [{ sentence: column.skipped ?? 'skipped' }];
  if (column.verdict === 'inconclusive') return [inconclusiveText(column, report.policy)];
  const reason = mainCheck(column, report.policy)?.reason ?? null;
  return reason === null ? [] : [{ sentence: reason }];
}

function inconclusiveText(column: ColumnReport, policy: string): string {
  const { minimumDetectableEffect: effect } = column;
  if (effect === null) return 'too few rows to tell';
  const effectKind = mainCheck(column, policy)?.effectKind ?? 'effect';
  const size = sizeText({ effect, effectKind });
  return size === '' ? 'too few rows to tell' : `too few rows: only changes from ${size} on would show`;
}
