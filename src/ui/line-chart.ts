import { printable } from '../lib/terminal-text.ts';
import { painter } from './colour.ts';
import { formatMetric } from './numbers.ts';
import type { Terminal } from './terminal.ts';
import { displayWidth } from './width.ts';

/** One line of a chart. */
export interface Series {
  name: string;
  /** In the order of x; what is not finite leaves a gap. */
  points: readonly { readonly x: number; readonly y: number }[];
}

export interface ChartOptions {
  title: string;
  series: readonly Series[];
  /** What x is: `step` or `seconds`. */
  xLabel: string;
}

const HEIGHT = 14;
const WIDEST = 100;
const NARROWEST = 30;
/** A braille character is two dots wide and four high. */
const DOTS_X = 2;
const DOTS_Y = 4;
const BRAILLE = 0x2800;
/** Bit of each dot of a character, by row and column (Unicode, Braille Patterns). */
const BITS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;
const COLOURS = ['cyan', 'yellow', 'magenta', 'green', 'blue', 'red'] as const;
/** Of lines without colour: which one it is. */
const MARKS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The ends of an axis; equal ones are moved apart, so that a flat line lies in the middle. */
export function boundsOf(values: readonly number[]): { low: number; high: number } | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return undefined;
  if (low < high) return { low, high };
  const margin = low === 0 ? 1 : Math.abs(low) * 0.1;
  return { low: low - margin, high: high + margin };
}

/** Lines drawn with braille dots, with both axes and a legend; ends in a newline. Names are untrusted text. */
export function lineChart(
  { title, series, xLabel }: ChartOptions,
  terminal: Pick<Terminal, 'color' | 'columns'>,
): string {
  const paint = painter(terminal.color);
  const heading = paint.bold(printable(title));
  const x = boundsOf(
    series.flatMap(({ points }) => points.filter(({ y }) => Number.isFinite(y)).map((point) => point.x)),
  );
  const y = boundsOf(series.flatMap(({ points }) => points.map((point) => point.y)));
  if (x === undefined || y === undefined) return `${heading}\n  nothing to draw\n`;
  const labels = Array.from({ length: HEIGHT }, (_, row) =>
    (row % 4 === 0 && row < HEIGHT - 2) || row === HEIGHT - 1
      ? formatMetric(y.high - ((y.high - y.low) * row) / (HEIGHT - 1))
      : '',
  );
  const margin = Math.max(...labels.map(displayWidth));
  const available = Number.isFinite(terminal.columns) ? terminal.columns : WIDEST;
  const width = Math.max(NARROWEST, Math.min(WIDEST, available - margin - 4));
  const canvas = new Canvas(width, HEIGHT);
  for (const [index, each] of series.entries()) drawLine(canvas, index, each, { x, y });
  const rows = labels.map((label, row) => {
    const cells = canvas.row(row).map(({ text, owner }) => {
      const colour = owner === undefined ? undefined : COLOURS[owner % COLOURS.length];
      return colour === undefined ? text : paint[colour](text);
    });
    return `${' '.repeat(margin - displayWidth(label))}${label} ${label === '' ? '│' : '┤'}${cells.join('')}`.trimEnd();
  });
  const [from, to] = [formatMetric(x.low), formatMetric(x.high)];
  // The name of the axis stands between its ends, so that no line is wider than the chart.
  const middle = printable(xLabel);
  const gap = Math.max(2, width - from.length - to.length - displayWidth(middle));
  const before = Math.ceil(gap / 2);
  const foot = [
    `${' '.repeat(margin)} └${'─'.repeat(width)}`,
    `${' '.repeat(margin + 2)}${from}${' '.repeat(before)}${middle}${' '.repeat(gap - before)}${to}`,
  ];
  return `${[heading, ...rows, ...foot, ...legend(series, paint)].join('\n')}\n`;
}

function legend(series: readonly Series[], paint: ReturnType<typeof painter>): string[] {
  return series.map(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? 'cyan';
    const last = points.findLast(({ y }) => !Number.isNaN(y))?.y;
    const value = last === undefined ? '' : `  last ${formatMetric(last)}`;
    return `  ${paint[colour](`${MARKS[index % MARKS.length] ?? ''} ━`)} ${printable(name)}${value}`;
  });
}

interface Bounds {
  x: { low: number; high: number };
  y: { low: number; high: number };
}

function drawLine(canvas: Canvas, owner: number, { points }: Series, { x, y }: Bounds): void {
  let before: { column: number; row: number } | undefined;
  for (const point of points) {
    if (!Number.isFinite(point.y) || !Number.isFinite(point.x)) {
      before = undefined;
      continue;
    }
    const column = Math.round(((point.x - x.low) / (x.high - x.low)) * (canvas.dotsX - 1));
    const row = Math.round(((y.high - point.y) / (y.high - y.low)) * (canvas.dotsY - 1));
    canvas.line(owner, before ?? { column, row }, { column, row });
    before = { column, row };
  }
}

/** Characters of dots, each belonging to the line that was last drawn through it. */
class Canvas {
  readonly dotsX: number;
  readonly dotsY: number;
  readonly #width: number;
  readonly #bits: Uint8Array;
  readonly #owners: Int16Array;

  constructor(width: number, height: number) {
    this.#width = width;
    this.dotsX = width * DOTS_X;
    this.dotsY = height * DOTS_Y;
    this.#bits = new Uint8Array(width * height);
    this.#owners = new Int16Array(width * height).fill(-1);
  }

  line(owner: number, from: { column: number; row: number }, to: { column: number; row: number }): void {
    const steps = Math.max(Math.abs(to.column - from.column), Math.abs(to.row - from.row), 1);
    for (let step = 0; step <= steps; step += 1) {
      const column = Math.round(from.column + ((to.column - from.column) * step) / steps);
      const row = Math.round(from.row + ((to.row - from.row) * step) / steps);
      const cell = Math.floor(row / DOTS_Y) * this.#width + Math.floor(column / DOTS_X);
      this.#bits[cell] = (this.#bits[cell] ?? 0) | (BITS[row % DOTS_Y]?.[column % DOTS_X] ?? 0);
      this.#owners[cell] = owner;
    }
  }

  row(row: number): { text: string; owner: number | undefined }[] {
    return Array.from({ length: this.#width }, (_, column) => {
      const cell = row * this.#width + column;
      const bits = this.#bits[cell] ?? 0;
      const owner = this.#owners[cell] ?? -1;
      return {
        text: bits === 0 ? ' ' : String.fromCodePoint(BRAILLE + bits),
        owner: owner < 0 ? undefined : owner,
      };
    });
  }
}

const BARS = '▁▂▃▄▅▆▇█';

/** A history as one word of bars, from its lowest to its highest value; `·` where there is no finite number. */
export function sparkline(values: readonly number[], width: number): string {
  const bounds = boundsOf(values);
  if (bounds === undefined || values.length < 2) return '';
  const cells = Math.min(width, values.length);
  return Array.from({ length: cells }, (_, index) => {
    const value = values[Math.round((index * (values.length - 1)) / Math.max(1, cells - 1))] ?? Number.NaN;
    if (!Number.isFinite(value)) return '·';
    const level = Math.round(((value - bounds.low) / (bounds.high - bounds.low)) * (BARS.length - 1));
    return BARS[level] ?? '';
  }).join('');
}
