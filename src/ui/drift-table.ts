import type { ChalkInstance } from 'chalk';
import { printable } from '../lib/terminal-text.ts';
import { painter } from './colour.ts';
import { count } from './numbers.ts';
import { table } from './table.ts';
import type { Terminal } from './terminal.ts';

/** What a table about drift shows; texts may hold anything that a file may be named or hold. */
export interface DriftTable {
  /** `Drift`, `Stable`, `Inconclusive`. */
  verdict: string;
  severity: string;
  summary: string;
  reference: string;
  current: string;
  rules: string;
  /** The worst first. */
  rows: readonly { state: string; name: string; size: string; change: string }[];
  /** Columns that are stable and not among the rows. */
  stable: number;
  notes: readonly string[];
}

type Style = (paint: ChalkInstance, text: string) => string;

const STATE_STYLES: Readonly<Record<string, Style>> = {
  critical: (paint, text) => paint.bold.red(text),
  high: (paint, text) => paint.red(text),
  medium: (paint, text) => paint.yellow(text),
  low: (paint, text) => paint.cyan(text),
  inconclusive: (paint, text) => paint.magenta(text),
  skipped: (paint, text) => paint.dim(text),
  stable: (paint, text) => paint.green(text),
};

/** In the colour of a severity, or of a verdict where there is none. */
function paintAs(paint: ChalkInstance, state: string, text: string): string {
  return STATE_STYLES[state]?.(paint, text) ?? text;
}

/** A severity or a verdict in its own colour; spaces around it stay. */
export function paintState(paint: ChalkInstance, text: string): string {
  return paintAs(paint, text.trim(), text);
}

const COLUMNS = [
  { header: 'SEVERITY', style: paintState },
  { header: 'COLUMN' },
  { header: 'SIZE' },
  { header: 'CHANGE' },
] as const;

/** The verdict, what was compared, and one line a column; ends in a newline. */
export function driftTable(
  drift: DriftTable,
  terminal: Pick<Terminal, 'isTTY' | 'color' | 'columns'>,
): string {
  const { verdict, severity, summary, reference, current, rules, rows, stable, notes } = drift;
  const paint = painter(terminal.color);
  const answer = severity === 'none' ? verdict : `${verdict} (${severity})`;
  const state = severity === 'none' ? verdict.toLowerCase() : severity;
  const named = rows.map(({ state: text, name, size, change }) => [
    text,
    name === '' ? '(no name)' : name,
    size,
    change,
  ]);
  const body = table({ columns: COLUMNS, rows: named }, terminal);
  return [
    `${paint.bold(paintAs(paint, state, answer))}  ${printable(summary)}\n`,
    `${printable(`${reference} → ${current}`)}\n${printable(rules)}\n`,
    body === '' ? '' : `\n${body}`,
    stable === 0
      ? ''
      : `${rows.length === 0 ? '\n' : ''}${count(stable, 'column')} ${stable === 1 ? 'is' : 'are'} stable\n`,
    notes.length === 0 ? '' : `\n${notes.map((note) => `note: ${printable(note)}\n`).join('')}`,
  ].join('');
}
