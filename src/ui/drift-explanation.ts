import { printable } from '../lib/terminal-text.ts';
import { painter } from './colour.ts';
import { keyValues } from './key-values.ts';
import { formatMetric } from './numbers.ts';
import type { Terminal } from './terminal.ts';
import { displayWidth, pad, truncate } from './width.ts';

interface Resolved<Value> {
  value: Value;
  origin: string;
}

interface Effect {
  limit: string | null;
  kind: string;
  when: string | null;
  medium: number | null;
  high: number | null;
  critical: number | null;
  origin: string;
}

interface Check {
  check: string;
  significance: string | null;
  severity: string | null;
  effects: readonly Effect[];
}

/** The rules of a comparison; names and reasons may hold anything that a file may hold. */
export interface DriftRules {
  policy: string;
  /** When a check is drift. */
  rule: string;
  alpha: Resolved<number>;
  failOn: Resolved<string>;
  failOnInconclusive: Resolved<boolean>;
  columns: readonly {
    column: string;
    role: string;
    type: string | null;
    typeReason: string;
    typeOrigin: string;
    weight: Resolved<number>;
    skipped: string | null;
    checks: readonly Check[];
  }[];
  notes: readonly string[];
}

const HEADERS = ['CHECK', 'EFFECT', 'MEDIUM', 'HIGH', 'CRITICAL', 'FROM'] as const;
const NUMBERS: ReadonlySet<number> = new Set([2, 3, 4]);
const GAP = '  ';
const LONGEST_NAME = 80;

/** General rules, then a block for each column: its type with the reason, and a line for each effect that has limits. */
export function driftExplanation(rules: DriftRules, terminal: Pick<Terminal, 'color'>): string {
  const paint = painter(terminal.color);
  const blocks = rules.columns.map((column) => ({
    title: titleOf(column),
    lines: column.checks.flatMap(linesOf),
  }));
  const lines = blocks.flatMap((block) => block.lines);
  const widths = HEADERS.map((header, index) =>
    Math.max(header.length, ...lines.map((line) => displayWidth(line[index] ?? ''))),
  );
  const shape = (line: readonly string[]): string =>
    HEADERS.map((_, index) =>
      pad(line[index] ?? '', widths[index] ?? 0, NUMBERS.has(index) ? 'right' : 'left'),
    )
      .join(GAP)
      .trimEnd();
  const body = blocks.map(
    (block) =>
      `\n${paint.bold(block.title)}\n${block.lines.map((line) => `${GAP}${shape(line)}\n`).join('')}`,
  );
  const header = lines.length === 0 ? '' : `\n${GAP}${paint.bold(shape(HEADERS))}\n`;
  const notes = rules.notes.map((note) => `note: ${printable(note)}\n`);
  return [general(rules, terminal), header, ...body, notes.length === 0 ? '' : `\n${notes.join('')}`].join(
    '',
  );
}

function general(
  { policy, rule, alpha, failOn, failOnInconclusive }: DriftRules,
  terminal: Pick<Terminal, 'color'>,
): string {
  const told = (value: string, origin: string): string => `${value} (${origin})`;
  return keyValues(
    [
      ['policy', policy],
      ['drift', rule],
      ['alpha', told(String(alpha.value), alpha.origin)],
      ['fail on', told(failOn.value, failOn.origin)],
      ['fail on inconclusive', told(failOnInconclusive.value ? 'yes' : 'no', failOnInconclusive.origin)],
    ],
    terminal,
  );
}

function titleOf({
  column,
  role,
  type,
  typeReason,
  typeOrigin,
  weight,
  skipped,
}: DriftRules['columns'][number]): string {
  const name = column === '' ? '(no name)' : truncate(printable(column), LONGEST_NAME);
  const kind = role === 'feature' ? '' : `${role}, `;
  if (skipped !== null) return `${name}: ${kind}not compared, ${printable(skipped)}`;
  const what = `${type ?? 'no type'} (${printable(typeReason)}; ${printable(typeOrigin)})`;
  return `${name}: ${kind}${what}, weight ${formatMetric(weight.value)} (${printable(weight.origin)})`;
}

function linesOf({ check, severity, significance, effects }: Check): string[][] {
  if (severity !== null) {
    const limits = ['low', 'medium', 'high', 'critical'].includes(severity) ? `always ${severity}` : severity;
    return [[check, limits, '', '', '', significance === null ? 'a fact' : `where ${significance}`]];
  }
  return effects.map(({ limit, kind, when, medium, high, critical, origin }, index) => [
    index === 0 ? check : '',
    `${limit ?? kind}${when === null ? '' : ` (${when})`}`,
    limitText(medium),
    limitText(high),
    limitText(critical),
    printable(origin),
  ]);
}

function limitText(limit: number | null): string {
  return limit === null ? 'never' : formatMetric(limit);
}
