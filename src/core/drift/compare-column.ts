import { compareCells } from './checks/cells.ts';
import { asFact, type Finding } from './checks/finding.ts';
import { percent, quoted } from './text-of.ts';
import { compareLevels } from './compare-levels.ts';
import { compareNumbers, type CompareRule, type Part } from './compare-numbers.ts';
import { compareTexts } from './compare-texts.ts';
import { type ComparedColumn, NO_DETAILS } from './compared.ts';
import type { ChosenColumn } from './selection.ts';
import { sideCounts } from './side-counts.ts';
import type { ColumnSummary } from './summary.ts';

/** Both sides of one column. */
export function compareColumn(
  chosen: ChosenColumn,
  { reference, current }: { reference: ColumnSummary; current: ColumnSummary },
  rule: Omit<CompareRule, 'rules'>,
): ComparedColumn {
  const { name, role, rules, pinned, facts } = chosen;
  const { alpha, kind } = rule;
  const currentType = chosen.current?.inferred?.type ?? 'something else';
  const cells = compareCells(reference, current, { alpha, rules, currentType });
  const part = compareValues(reference, current, { ...rule, rules });
  const findings = oneTypeChange([...facts, ...cells, ...part.findings]);
  return {
    column: name,
    type: pinned?.type ?? null,
    typeReason: pinned?.reason ?? 'all of it is null',
    role,
    rules,
    findings: kind === 'default' ? findings : literal(findings),
    skipped: null,
    reference: sideCounts(reference),
    current: sideCounts(current),
    details: {
      ...part.details,
      notes: [
        ...cellNotes('reference', reference),
        ...cellNotes('current', current),
        ...part.details.notes,
        ...(kind === 'default' ? [] : unjudgedNotes(findings, alpha)),
      ],
    },
  };
}

/** A column of which at most one side was read. */
export function uncomparedColumn(
  { name, role, rules, pinned, facts, skipped }: ChosenColumn,
  { reference, current }: { reference?: ColumnSummary | undefined; current?: ColumnSummary | undefined } = {},
): ComparedColumn {
  return {
    column: name,
    type: pinned?.type ?? null,
    typeReason: pinned?.reason ?? skipped ?? 'no type could be told',
    role,
    rules,
    findings: facts,
    skipped,
    reference: reference === undefined ? null : sideCounts(reference),
    current: current === undefined ? null : sideCounts(current),
    details: NO_DETAILS,
  };
}

function compareValues(reference: ColumnSummary, current: ColumnSummary, rule: CompareRule): Part {
  switch (reference.type) {
    case 'numeric':
    case 'datetime':
      if (current.type === 'numeric' || current.type === 'datetime')
        return compareNumbers(reference, current, rule);
      break;
    case 'categorical':
    case 'boolean':
      if (current.type === 'categorical' || current.type === 'boolean')
        return compareLevels(reference, current, rule);
      break;
    case 'text':
      if (current.type === 'text') return compareTexts(reference, current, rule);
      break;
  }
  throw new Error(`a side read ${reference.type} as ${current.type}`);
}

/** What the files declare comes before what their cells show. */
function oneTypeChange(findings: readonly Finding[]): Finding[] {
  const first = findings.findIndex(({ check }) => check === 'type-change');
  return findings.filter(({ check }, index) => check !== 'type-change' || index === first);
}

function isBreak({ check, fixedSeverity }: Finding): boolean {
  return check === 'type-change' || check === 'all-null' || fixedSeverity !== undefined;
}

/** What the literal policies judge: the distribution, and breaks of the schema as facts. */
function literal(findings: readonly Finding[]): Finding[] {
  return findings.flatMap((finding) => {
    if (finding.check === 'distribution') return [finding];
    return isBreak(finding) ? [asFact(finding, finding.fixedSeverity ?? 'critical')] : [];
  });
}

/** What the default policy might have called drift. */
function unjudgedNotes(findings: readonly Finding[], alpha: number): string[] {
  return findings.flatMap((finding) => {
    const { check, p, effects, detail } = finding;
    if (check === 'distribution' || isBreak(finding) || p === null || p > alpha) return [];
    const isLarge = effects.some(({ value, limits }) => limits !== null && value >= limits.medium);
    return isLarge ? [`this policy does not judge: ${detail}`] : [];
  });
}

function cellNotes(side: string, { unparsable, unparsableExamples, rows, type }: ColumnSummary): string[] {
  if (unparsable === 0) return [];
  const examples = unparsableExamples.map(quoted).join(', ');
  const cells = `${unparsable.toLocaleString('en-US')} ${side} cells (${percent(unparsable / rows)})`;
  return [`${cells} are not ${type}${examples === '' ? '' : `: ${examples}`}`];
}
