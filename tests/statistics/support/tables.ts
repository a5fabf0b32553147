import { upperLimit } from './binomial.ts';
import { BREAK_PEERS, CATEGORICAL_PEERS, NUMERIC_PEERS, POWER_PEERS, TABLE_PEERS } from './peers.ts';
import type { ResultCell, ResultName } from './results.ts';

/** A rate for a table: enough digits to tell 0.2 % from 0.02 %. */
export function percentOf(rate: number): string {
  if (rate === 0 || rate === 1) return `${100 * rate} %`;
  const value = 100 * rate;
  return `${Number(value.toFixed(value < 1 ? 2 : 1))} %`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** One row for each `row`, one column for each `column` of the cells. */
function pivot(cells: readonly ResultCell[], first: string, text: (cell: ResultCell) => string): string {
  const columns = unique(cells.map(({ column }) => column));
  const rows = unique(cells.map(({ row }) => row)).map((row) => [
    row,
    ...columns.map((column) => {
      const cell = cells.find((each) => each.row === row && each.column === column);
      return cell === undefined ? '' : text(cell);
    }),
  ]);
  return table([first, ...columns], rows);
}

interface Peers {
  readonly names: readonly string[];
  readonly rates: Readonly<Record<string, readonly (number | string)[]>>;
}

/** The cells that other tools were measured in as well. */
function besidePeers(cells: readonly ResultCell[], peers: Peers, first: string): string {
  const shared = cells.filter(({ row, column }) => Object.hasOwn(peers.rates, `${row} ${column}`));
  const rows = shared.map((cell) => [
    `${cell.row}, ${cell.column}`,
    `**${percentOf(cell.rate)}**`,
    ...(peers.rates[`${cell.row} ${cell.column}`] ?? []).map((rate) =>
      typeof rate === 'number' ? percentOf(rate) : rate,
    ),
  ]);
  return table([first, 'mlops', ...peers.names], rows);
}

function runsText(cells: readonly ResultCell[]): string {
  const runs = cells.map((cell) => cell.runs);
  const [least, most] = [Math.min(...runs), Math.max(...runs)];
  const text = (count: number): string => count.toLocaleString('en-US');
  return least === most ? `${text(least)} runs a cell.` : `${text(least)} to ${text(most)} runs a cell.`;
}

function highestText(cells: readonly ResultCell[]): string {
  const limits = cells.map((cell) => upperLimit(cell));
  return `The highest upper limit (99.9 %) of all cells is ${percentOf(Math.max(...limits))}.`;
}

const rateText = (cell: ResultCell): string => percentOf(cell.rate);

function more(cell: ResultCell, name: string): string {
  const rate = cell.more?.[name]?.rate;
  return rate === undefined ? '' : percentOf(rate);
}

const RENDERERS: Readonly<Record<ResultName, (cells: readonly ResultCell[]) => string>> = {
  'numeric-false-alarms': (cells) =>
    [
      `${runsText(cells)} ${highestText(cells)}`,
      pivot(cells, 'distribution, rows', rateText),
      'Beside others:',
      besidePeers(cells, NUMERIC_PEERS, 'numbers'),
    ].join('\n\n'),
  'categorical-false-alarms': (cells) =>
    [
      `${runsText(cells)} ${highestText(cells)}`,
      pivot(cells, 'levels, rows', rateText),
      'Beside others:',
      besidePeers(cells, CATEGORICAL_PEERS, 'levels'),
    ].join('\n\n'),
  'table-false-alarms': (cells) =>
    [
      `${runsText(cells)} ${highestText(cells)}`,
      table(
        ['data set, rows', 'any alarm', 'upper limit', 'alarms per column', 'upper limit per column'],
        cells.map((cell) => [
          `${cell.row}, ${cell.column}`,
          percentOf(cell.rate),
          percentOf(upperLimit(cell)),
          more(cell, 'columns'),
          percentOf(upperLimit(cell.more?.['columns'] ?? cell)),
        ]),
      ),
      'Beside others, any alarm:',
      besidePeers(cells, TABLE_PEERS, 'data set'),
    ].join('\n\n'),
  power: (cells) =>
    [
      runsText(cells),
      pivot(cells, 'change, rows', rateText),
      'Beside others:',
      besidePeers(cells, POWER_PEERS, 'change'),
    ].join('\n\n'),
  'categorical-power': (cells) => [runsText(cells), pivot(cells, 'change, rows', rateText)].join('\n\n'),
  'table-power': (cells) =>
    [
      runsText(cells),
      table(
        ['one of 20 columns, rows', 'it is found', 'another column is called drift'],
        cells.map((cell) => [`${cell.row}, ${cell.column}`, percentOf(cell.rate), more(cell, 'others')]),
      ),
    ].join('\n\n'),
  breaks: (cells) =>
    [
      runsText(cells),
      pivot(cells, 'change, rows', rateText),
      'Beside Kolmogorov-Smirnov without companions:',
      besidePeers(cells, BREAK_PEERS, 'change'),
    ].join('\n\n'),
  dependence: (cells) =>
    [
      runsText(cells),
      table(
        ['process, rows', 'KS p < .05, rows taken as independent', 'called drift', 'mean + 0.5 sd found'],
        cells.map((cell) => [
          `${cell.row}, ${cell.column}`,
          more(cell, 'naive'),
          percentOf(cell.rate),
          more(cell, 'power'),
        ]),
      ),
    ].join('\n\n'),
  duplicates: (cells) =>
    [
      runsText(cells),
      table(
        ['current rows', 'rows', 'called drift', 'report warns'],
        cells.map((cell) => [cell.row, cell.column, percentOf(cell.rate), more(cell, 'warned')]),
      ),
    ].join('\n\n'),
  'real-data': (cells) =>
    table(
      ['data set', '', 'runs', 'called drift', 'upper limit', 'alarms per column'],
      cells.map((cell) => [
        cell.row,
        cell.column,
        cell.runs.toLocaleString('en-US'),
        percentOf(cell.rate),
        percentOf(upperLimit(cell)),
        more(cell, 'columns'),
      ]),
    ),
  corruptions: (cells) =>
    table(
      ['what is broken', 'data sets', 'runs', 'found', 'named first'],
      cells.map((cell) => [
        cell.row,
        cell.column,
        cell.runs.toLocaleString('en-US'),
        percentOf(cell.rate),
        more(cell, 'first'),
      ]),
    ),
  'time-splits': (cells) =>
    table(
      ['data', 'verdict', 'severity and columns'],
      cells.map((cell) => [cell.row, cell.column, cell.text ?? '']),
    ),
  multivariate: (cells) =>
    [
      runsText(cells),
      table(
        [
          'data',
          'rows',
          'called drift',
          'by the classifier',
          'by the reconstruction',
          'p of the classifier <= .05',
        ],
        cells.map((cell) => [
          cell.row,
          cell.column,
          percentOf(cell.rate),
          more(cell, 'classifier'),
          more(cell, 'reconstruction'),
          more(cell, 'p05'),
        ]),
      ),
    ].join('\n\n'),
};

export function rendered(name: ResultName, cells: readonly ResultCell[]): string {
  return RENDERERS[name](cells);
}

/** The page with the tables of the kept results between their markers. */
export function withTables(page: string, tables: ReadonlyMap<ResultName, string>): string {
  let text = page;
  for (const [name, content] of tables) {
    const [start, end] = [`<!-- statistics:${name} -->`, `<!-- /statistics:${name} -->`];
    const from = text.indexOf(start);
    const to = text.indexOf(end);
    if (from === -1 || to < from) throw new Error(`docs/drift.md has no place for the table ${name}`);
    text = `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`;
  }
  return text;
}
