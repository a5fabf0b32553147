import { printable } from '../../lib/terminal-text.ts';

/** A share for people: `31 %`, `0.4 %`, `<0.01 %`, `100 %` only for all. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value} %`;
  if (Math.abs(value) < 0.01) return value > 0 ? '<0.01 %' : '>-0.01 %';
  if (value > 99.99 && value < 100) return '>99.99 %';
  const digits = Math.abs(value) < 1 || Math.abs(value) > 99 ? 2 : Math.abs(value) < 10 ? 1 : 0;
  return `${Number(value.toFixed(digits))} %`;
}

/** A number for people: up to four significant digits. */
export function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-3)
    return value
      .toExponential(2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  if (Number.isInteger(value)) return String(value);
  return String(size >= 1000 ? Number(value.toFixed(1)) : Number(value.toPrecision(4)));
}

/** A p or q for people: two digits, `3e-9` far out. */
export function probability(p: number): string {
  if (p === 0) return '<1e-300';
  if (p < 0.001) return p.toExponential(0).replace('e+', 'e');
  return String(Number(p.toPrecision(2)));
}

/** An effect for people: two digits behind the point, more where they are zeros. */
export function effectText(value: number): string {
  if (value >= 1000) return short(value);
  return value < 0.01 && value > 0 ? String(Number(value.toPrecision(2))) : String(Number(value.toFixed(2)));
}

export function rowCount(rows: number): string {
  return `${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}`;
}

/** Milliseconds as an ISO time, the day alone where it is midnight. */
export function timeText(ms: number): string {
  if (!(Math.abs(ms) <= 8.64e15)) return `${short(ms)} ms`;
  const text = new Date(ms).toISOString();
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, -14) : text.replace('.000Z', 'Z');
}

const LONGEST_LABEL = 60;

/** The first characters of a text, at most so many and never half of one. */
export function firstCharacters(text: string, most: number): string {
  return text.length <= most
    ? text
    : Array.from(text.slice(0, 2 * most))
        .slice(0, most)
        .join('');
}

/** A value of the data within a sentence: one line, no control characters, not too long. */
export function quoted(value: string): string {
  const start = firstCharacters(value, LONGEST_LABEL);
  return `"${printable(start === value ? value : `${start}…`)}"`;
}

/** A column name in backticks, safe on one line. */
export function columnText(name: string): string {
  return `\`${printable(name.length > 200 ? `${name.slice(0, 200)}…` : name)}\``;
}
