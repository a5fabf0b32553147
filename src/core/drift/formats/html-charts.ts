import type { ColumnReport, Ecdf, Histogram } from '../report.ts';
import { percent, short, timeText } from '../text-of.ts';
import { markup, NOTHING, type Markup } from './markup.ts';

/** The drawing area within the picture, in its units; text lies below and to the left. */
const AREA = { left: 40, right: 352, top: 10, bottom: 118 } as const;

interface Range {
  from: number;
  to: number;
}

/**
 * Where a value lies between two places, rounded, since a tenth of a pixel costs bytes and shows nothing. Values may be as far apart as
 * doubles go, so they are halved before they are subtracted.
 */
function placeOf(value: number, { from, to }: Range, [low, high]: readonly [number, number]): number {
  const share = (value / 2 - from / 2) / (to / 2 - from / 2);
  if (!Number.isFinite(share)) return value > from ? high : low;
  return Math.round(low + Math.min(1, Math.max(0, share)) * (high - low));
}

const across = (value: number, range: Range): number => placeOf(value, range, [AREA.left, AREA.right]);
const up = (share: number, most: number): number =>
  placeOf(share, { from: 0, to: most }, [AREA.bottom, AREA.top]);

/** What the horizontal axes of a column's pictures show, so that one can be read below the other. */
function rangeOf({ histogram, ecdf }: Pick<ColumnReport, 'histogram' | 'ecdf'>): Range | undefined {
  const values = histogram !== null && histogram.edges.length > 1 ? histogram.edges : ecdf?.values;
  const [from, to] = [values?.[0], values?.at(-1)];
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** Histogram and distribution functions of numbers, times and lengths; nothing where the report has none. */
export function distributionCharts(column: ColumnReport): Markup {
  const range = rangeOf(column);
  if (range === undefined) return NOTHING;
  const { histogram, ecdf } = column;
  return markup`<div class="charts">${histogram === null ? NOTHING : histogramChart(histogram, range, column)}${
    ecdf === null ? NOTHING : ecdfChart(ecdf, range, column)
  }</div>`;
}

function histogramChart(histogram: Histogram, range: Range, column: ColumnReport): Markup {
  const bins = Math.min(histogram.reference.length, histogram.current.length, histogram.edges.length - 1);
  const widths = Array.from({ length: bins }, (_, bin) => widthOf(histogram, bin));
  const usual = median(widths.filter((width) => width > 0));
  const densities = (shares: readonly number[]): number[] =>
    widths.map((width, bin) => ((shares[bin] ?? 0) * usual) / (width > 0 ? width : usual));
  const reference = densities(histogram.reference);
  const current = densities(histogram.current);
  const most = Math.max(0, ...reference, ...current);
  if (bins < 1 || !Number.isFinite(most) || most <= 0) return NOTHING;
  const even = widths.every((width) => Math.abs(width - usual) <= usual * 0.01);
  const steps = (heights: readonly number[]): string =>
    `M${AREA.left} ${AREA.bottom}${heights
      .map((height, bin) => `V${up(height, most)}H${across(histogram.edges[bin + 1] ?? range.to, range)}`)
      .join('')}V${AREA.bottom}`;
  const picture = markup`<path class="r" d="${steps(reference)}"/><path class="c" d="${steps(current)}"/>`;
  const top = even ? markup`<text x="36" y="${AREA.top + 8}" class="y">${percent(most)}</text>` : NOTHING;
  return figure({
    title: `Histogram, ${describe(column)}`,
    caption: 'Share of rows',
    picture: [top, picture],
    range,
    column,
  });
}

function widthOf({ edges }: Histogram, bin: number): number {
  const width = (edges[bin + 1] ?? 0) - (edges[bin] ?? 0);
  return Number.isFinite(width) ? width : Number.MAX_VALUE;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 1;
}

function ecdfChart(ecdf: Ecdf, range: Range, column: ColumnReport): Markup {
  const points = Math.min(ecdf.values.length, ecdf.reference.length, ecdf.current.length);
  if (points < 1) return NOTHING;
  const line = (shares: readonly number[]): string => {
    const places = shares
      .slice(0, points)
      .map((share, index) => `${across(ecdf.values[index] ?? range.from, range)} ${up(share, 1)}`);
    return `M${places.filter((place, index) => place !== places[index - 1]).join('L')}`;
  };
  const marks = [0, 0.5, 1].map(
    (share) =>
      markup`<path class="g" d="M${AREA.left} ${up(share, 1)}H${AREA.right}"/><text x="36" y="${up(share, 1) + 4}" class="y">${share * 100} %</text>`,
  );
  const curves = markup`<path class="l r" d="${line(ecdf.reference)}"/><path class="l c" d="${line(ecdf.current)}"/>`;
  const picture = [...marks, curves, gapMark(column, range)];
  return figure({
    title: `Distribution functions, ${describe(column)}`,
    caption: 'Share of rows at or below',
    picture,
    range,
    column,
  });
}

/** Where the functions are farthest apart: D, the effect that decides most verdicts. */
function gapMark({ shift }: ColumnReport, range: Range): Markup {
  if (shift === null || shift.referenceShare === shift.currentShare) return NOTHING;
  const x = across(shift.location, range);
  const [one, other] = [up(shift.referenceShare, 1), up(shift.currentShare, 1)];
  return markup`<path class="m" d="M${x} ${one}V${other}"/>`;
}

function describe({ reference, current, shift }: ColumnReport): string {
  const rows = [reference, current].map((side) => (side?.compared ?? 0).toLocaleString('en-US'));
  const share = ({ location, referenceShare, currentShare }: NonNullable<typeof shift>): string =>
    `; at or below ${short(location)}: ${percent(referenceShare)} before, ${percent(currentShare)} now`;
  return `${rows[0]} reference and ${rows[1]} current values${shift === null ? '' : share(shift)}`;
}

interface Figure {
  title: string;
  caption: string;
  picture: readonly Markup[];
  range: Range;
  column: ColumnReport;
}

function figure({ title, caption, picture, range, column }: Figure): Markup {
  const ticks = ticksOf(range, column.type).map(
    ({ at, text, anchor }) =>
      markup`<text x="${across(at, range)}" y="134" text-anchor="${anchor}">${text}</text>`,
  );
  return markup`<figure><svg viewBox="0 0 360 140" role="img"><title>${title}</title><path class="g" d="M${AREA.left} ${AREA.bottom}H${AREA.right}"/>${picture}${ticks}</svg><figcaption>${caption}</figcaption></figure>`;
}

interface Tick {
  at: number;
  text: string;
  anchor: 'start' | 'middle' | 'end';
}

const DAY = 86_400_000;
const MOST_TICKS = 8;

/** The ends of the axis and round numbers between them. */
function ticksOf(range: Range, type: ColumnReport['type']): Tick[] {
  const { from, to } = range;
  if (type === 'datetime') {
    const days = to - from > 2 * DAY;
    const text = (ms: number): string => (days ? (timeText(ms).split('T')[0] ?? '') : timeText(ms));
    if (from === to) return [{ at: from, text: timeText(from), anchor: 'start' }];
    return [
      { at: from, text: text(from), anchor: 'start' },
      { at: to, text: text(to), anchor: 'end' },
    ];
  }
  if (from === to) return [{ at: from, text: short(from), anchor: 'start' }];
  const step = roundStep((to / 2 - from / 2) / 2.5);
  const ticks: Tick[] = [];
  const first = Math.ceil(from / step);
  for (let index = 0; index < MOST_TICKS; index += 1) {
    const at = (first + index) * step;
    // Next to a huge number the next multiple may be the same number.
    if (!(at <= to) || at === ticks.at(-1)?.at) break;
    // The multiple of 0.1 is 0.30000000000000004.
    ticks.push({ at, text: short(Number(at.toPrecision(6))), anchor: 'middle' });
  }
  return ticks;
}

/** 1, 2 or 5 times a power of ten, about as large. */
function roundStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  const factor = [1, 2, 5, 10].find((each) => each * power >= wanted * 0.7) ?? 10;
  const step = factor * power;
  return Number.isFinite(step) && step > 0 ? step : wanted;
}
