import { printable } from '../lib/terminal-text.ts';
import { boundsOf, type ChartOptions, type Series } from './line-chart.ts';
import { formatMetric } from './numbers.ts';

const WIDTH = 760;
const HEIGHT = 360;
const LEFT = 72;
const RIGHT = 16;
const TOP = 40;
const BOTTOM = 44;
const LEGEND_LINE = 18;
const TICKS = 5;
/** Okabe and Ito's colours, which people with colour blindness can tell apart; dashes help where there is no colour. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
const DASHES = ['', '6 3', '2 3', '8 3 2 3'];

/** Untrusted text as the content or an attribute of XML. */
function escape(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** A chart as one SVG document without scripts, fonts or links; readable in light and dark. */
export function svgChart(options: ChartOptions): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svgElement(options)}\n`;
}

/** Several charts below each other as one HTML page, which loads nothing. */
export function htmlCharts(title: string, charts: readonly ChartOptions[]): string {
  const policy = "default-src 'none'; style-src 'unsafe-inline'";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:${WIDTH}px;margin:2rem auto;padding:0 1rem}svg{width:100%;height:auto;margin:1rem 0}</style></head>
<body><h1>${escape(title)}</h1>
${charts.map(svgElement).join('\n')}
</body></html>
`;
}

function svgElement({ title, series, xLabel }: ChartOptions): string {
  const height = HEIGHT + series.length * LEGEND_LINE;
  const x = boundsOf(
    series.flatMap(({ points }) => points.filter(({ y }) => Number.isFinite(y)).map((point) => point.x)),
  );
  const y = boundsOf(series.flatMap(({ points }) => points.map((point) => point.y)));
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}" font-family="system-ui, sans-serif" font-size="12"><rect width="${WIDTH}" height="${height}" fill="#fff"/><text x="${LEFT}" y="22" font-size="15" font-weight="600">${escape(title)}</text>`;
  if (x === undefined || y === undefined)
    return `${head}<text x="${LEFT}" y="60">nothing to draw</text></svg>`;
  const place = {
    x: (value: number): number => LEFT + ((value - x.low) / (x.high - x.low)) * (WIDTH - LEFT - RIGHT),
    y: (value: number): number => TOP + ((y.high - value) / (y.high - y.low)) * (HEIGHT - TOP - BOTTOM),
  };
  const lines = series.map((each, index) => pathOf(each, index, place)).join('');
  return `${head}${axes({ x, y, xLabel })}${lines}${legend(series)}</svg>`;
}

interface Place {
  x(value: number): number;
  y(value: number): number;
}

function pathOf({ points, name }: Series, index: number, place: Place): string {
  let path = '';
  let isDown = false;
  for (const point of points) {
    const isFinite = Number.isFinite(point.x) && Number.isFinite(point.y);
    if (isFinite) path += `${isDown ? 'L' : 'M'}${fixed(place.x(point.x))} ${fixed(place.y(point.y))}`;
    isDown = isFinite;
  }
  // A single value has no line, but a cap.
  return `<path d="${path}${path.includes('L') ? '' : 'h0'}" fill="none" stroke="${colourOf(index)}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"${dashOf(index)}><title>${escape(name)}</title></path>`;
}

interface Axes {
  x: { low: number; high: number };
  y: { low: number; high: number };
  xLabel: string;
}

function axes({ x, y, xLabel }: Axes): string {
  const parts: string[] = [];
  for (let tick = 0; tick < TICKS; tick += 1) {
    const share = tick / (TICKS - 1);
    const row = TOP + share * (HEIGHT - TOP - BOTTOM);
    const column = LEFT + share * (WIDTH - LEFT - RIGHT);
    const [high, right] = [y.high - share * (y.high - y.low), x.low + share * (x.high - x.low)];
    parts.push(
      `<path d="M${LEFT} ${fixed(row)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
      `<text x="${LEFT - 8}" y="${fixed(row + 4)}" text-anchor="end" fill="#444">${escape(formatMetric(high))}</text>`,
      `<text x="${fixed(column)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="#444">${escape(formatMetric(right))}</text>`,
    );
  }
  parts.push(
    `<text x="${(WIDTH + LEFT) / 2}" y="${HEIGHT - 8}" text-anchor="middle" fill="#444">${escape(xLabel)}</text>`,
  );
  return parts.join('');
}

function legend(series: readonly Series[]): string {
  return series
    .map(({ name }, index) => {
      const row = HEIGHT + index * LEGEND_LINE + 6;
      return `<path d="M${LEFT} ${row}h28" stroke="${colourOf(index)}" stroke-width="2"${dashOf(index)}/><text x="${LEFT + 36}" y="${row + 4}">${escape(name)}</text>`;
    })
    .join('');
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#000000';
}

function dashOf(index: number): string {
  const dash = DASHES[Math.floor(index / COLOURS.length) % DASHES.length] ?? '';
  return dash === '' ? '' : ` stroke-dasharray="${dash}"`;
}

function fixed(value: number): string {
  return String(Math.round(value * 100) / 100);
}
