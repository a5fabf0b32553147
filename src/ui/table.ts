import { createRequire } from 'node:module';
import type { ChalkInstance } from 'chalk';
import type Table from 'cli-table3';
import { printable } from '../lib/terminal-text.ts';
import { painter } from './colour.ts';
import type { Terminal } from './terminal.ts';
import { displayWidth, pad, truncate } from './width.ts';

export interface Column {
  /** Shown as it is. */
  header: string;
  align?: 'left' | 'right';
  /** Colours a cell after it was cut and padded; not called when colours are off. */
  style?: (paint: ChalkInstance, text: string) => string;
}

export interface TableOptions {
  columns: readonly Column[];
  /** Untrusted text, one string a column. */
  rows: readonly (readonly string[])[];
}

const GAP = '  ';
/** A column is cut to this width at the least, as long as the terminal is not narrower than that. */
const NARROWEST = 8;
/** cli-table3 needs 150 ms for 1,000 rows, and as much as git's start-up for 100. */
const LARGE = 100;

/**
 * Aligned columns without borders, a header, two spaces between columns and no space at the line end; ends in a newline. Only on
 * a terminal, and only where the rows would not fit, the widest columns are cut, but never the first, by which a row is named. No
 * rows give an empty string.
 */
export function table(
  { columns, rows }: TableOptions,
  terminal: Pick<Terminal, 'isTTY' | 'color' | 'columns'>,
): string {
  if (rows.length === 0) return '';
  const texts = rows.map((row) => columns.map((_column, index) => printable(row[index] ?? '')));
  const headers = columns.map(({ header }) => printable(header));
  const natural = headers.map((header, index) => {
    let widest = displayWidth(header);
    for (const row of texts) widest = Math.max(widest, displayWidth(row[index] ?? ''));
    return widest;
  });
  const widths = terminal.isTTY ? fit(natural, terminal.columns) : natural;
  const paint = painter(terminal.color);
  const last = columns.length - 1;
  const shape = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    const align = columns[index]?.align ?? 'left';
    const cut = truncate(text, width);
    return index === last && align === 'left' ? cut : pad(cut, width, align);
  };
  const lines = [
    headers.map((header, index) => paint.bold(shape(header, index))),
    ...texts.map((row) =>
      row.map((text, index) => {
        const style = columns[index]?.style;
        const shaped = shape(text, index);
        return style === undefined || !terminal.color ? shaped : style(paint, shaped);
      }),
    ),
  ];
  // Both give the same text. cli-table3 is worth its loading time where a person looks at a screen, not in a pipe.
  return terminal.isTTY && lines.length <= LARGE ? renderSmall(lines) : renderLarge(lines);
}

/** Takes columns from the widest one but the first until the line fits or every other column is at its narrowest. */
function fit(natural: readonly number[], available: number): number[] {
  const widths = [...natural];
  const gaps = GAP.length * (widths.length - 1);
  let excess = widths.reduce((sum, width) => sum + width, gaps) - available;
  while (excess > 0 && widths.length > 1) {
    const widest = widths.indexOf(Math.max(...widths.slice(1)), 1);
    const width = widths[widest] ?? 0;
    if (width <= NARROWEST) break;
    const others = widths.filter((_other, index) => index !== 0 && index !== widest);
    const step = Math.max(1, Math.min(excess, width - Math.max(NARROWEST, ...others)));
    widths[widest] = width - step;
    excess -= step;
  }
  return widths;
}

function renderLarge(lines: readonly (readonly string[])[]): string {
  return lines.map((line) => `${line.join(GAP).trimEnd()}\n`).join('');
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
};

function renderSmall(lines: readonly (readonly string[])[]): string {
  // Not part of the bundle: it is loaded from its package, and only when it is needed.
  const CliTable = createRequire(import.meta.url)('cli-table3') as typeof Table;
  const rendered = new CliTable({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  for (const line of lines) rendered.push([...line]);
  const text = rendered.toString().split('\n');
  return text.map((line) => `${line.trimEnd()}\n`).join('');
}
