import type { Finding } from './checks/finding.ts';
import { compareShareOf } from './checks/shares.ts';
import { compareCharacterClasses } from './checks/texts.ts';
import { withEnoughRows } from './checks/finding.ts';
import { compareDistributions, type CompareRule, type Part } from './compare-numbers.ts';
import { presentCells, type TextSummary } from './summary.ts';
import { short } from './text-of.ts';

/** Columns of free text: their lengths, the kinds of their characters, empty ones. */
export function compareTexts(reference: TextSummary, current: TextSummary, rule: CompareRule): Part {
  const sides = { reference: reference.distribution, current: current.distribution };
  const { findings, details } = compareDistributions(sides, { rule, format: short, noun: 'length ' });
  const { alpha, rules } = rule;
  const classes = compareCharacterClasses(reference, current, {
    alpha,
    limits: rules.limits('characterClasses').value,
  });
  const companions = [classes, emptyStrings(reference, current, rule)];
  const found = companions.flatMap((finding): Finding[] => (finding === undefined ? [] : [finding]));
  return { findings: [...findings, ...found], details };
}

function emptyStrings(
  reference: TextSummary,
  current: TextSummary,
  { alpha, rules }: CompareRule,
): Finding | undefined {
  const before = { count: reference.emptyStrings, rows: presentCells(reference) };
  const after = { count: current.emptyStrings, rows: presentCells(current) };
  const finding = compareShareOf(
    { check: 'empty-strings', what: 'empty texts', reference: before, current: after },
    { alpha, limits: rules.limits('emptyStrings').value },
  );
  return finding && withEnoughRows(finding, { reference: before.rows, current: after.rows });
}
