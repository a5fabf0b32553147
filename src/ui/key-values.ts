import { printable } from '../lib/terminal-text.ts';
import { painter } from './colour.ts';
import type { Terminal } from './terminal.ts';
import { displayWidth, pad } from './width.ts';

/**
 * `name:  value` lines with the values aligned; ends in a newline. Entries without a value are left out, a value of several
 * strings takes a line each. Names and values are untrusted text.
 */
export function keyValues(
  entries: readonly (readonly [string, string | readonly string[] | undefined])[],
  { color }: Pick<Terminal, 'color'>,
): string {
  const paint = painter(color);
  const rows = entries.flatMap(([name, value]) => {
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : value;
    return values.map((text, index) => [index === 0 ? `${printable(name)}:` : '', printable(text)] as const);
  });
  const width = Math.max(0, ...rows.map(([name]) => displayWidth(name)));
  return rows.map(([name, text]) => `${paint.bold(pad(name, width))}  ${text}`.trimEnd() + '\n').join('');
}
