import { printable } from '../lib/terminal-text.ts';
import { count, formatMetric } from './numbers.ts';
import { table } from './table.ts';
import type { Terminal } from './terminal.ts';

/** What was found; names may hold anything that a file may be named or hold. */
export interface CalibrationTable {
  severity: string;
  budget: number;
  expectedAlerts: number;
  comparisons: number;
  margin: number;
  source: string;
  reference: string;
  rows: { reference: number; smallestBatch: number; largestBatch: number };
  floors: readonly {
    column: string;
    limit: string;
    before: number;
    floor: number;
    median: number;
    largest: number;
    batches: number;
  }[];
  batches: readonly { name: string; alerts: readonly string[] }[];
  notes: readonly string[];
  written: string | null;
}

const COLUMNS = [
  { header: 'COLUMN' },
  { header: 'LIMIT' },
  { header: 'BEFORE', align: 'right' },
  { header: 'FLOOR', align: 'right' },
  { header: 'MEDIAN', align: 'right' },
  { header: 'LARGEST', align: 'right' },
  { header: 'BATCHES', align: 'right' },
] as const;

const SOURCES: Readonly<Record<string, string>> = {
  history: 'past batches',
  time: 'blocks of later rows',
  random: 'blocks of rows drawn at random',
};

/** What was compared, a line for each raised limit with its evidence, and what is to be expected; ends in a newline. */
export function driftCalibration(
  calibration: CalibrationTable,
  terminal: Pick<Terminal, 'isTTY' | 'color' | 'columns'>,
): string {
  const { floors, notes, severity, written } = calibration;
  const rows = floors.map(({ column, limit, before, floor, median, largest, batches }) => [
    column === '' ? '(no name)' : column,
    limit,
    formatMetric(before),
    formatMetric(floor),
    formatMetric(median),
    formatMetric(largest),
    `${batches} of ${calibration.comparisons}`,
  ]);
  const body = table({ columns: COLUMNS, rows }, terminal);
  return [
    `${compared(calibration)}\n`,
    body === '' ? `\nno ${severity} limit has to be raised\n` : `\n${body}`,
    `\n${expected(calibration)}\n`,
    ...notes.map((note) => `note: ${printable(note)}\n`),
    written === null ? '' : `written to ${written}\n`,
  ].join('');
}

function compared({ source, comparisons, reference, rows, batches }: CalibrationTable): string {
  const alerting = batches.filter(({ alerts }) => alerts.length > 0).length;
  const { smallestBatch: least, largestBatch: most } = rows;
  const size =
    least === most ? count(most, 'row') : `${least.toLocaleString('en-US')} to ${count(most, 'row')}`;
  const what = `${comparisons} ${SOURCES[source] ?? source} of ${size}`;
  return `${what} against ${printable(reference)} (${count(rows.reference, 'row')}): ${alerting} alert without floors`;
}

function expected({ expectedAlerts, budget, margin, floors }: CalibrationTable): string {
  const share = (part: number): string => `${formatMetric(Number((part * 100).toPrecision(2)))} %`;
  const above =
    margin > 1 && floors.length > 0
      ? `; each floor is ${formatMetric(Number(margin.toPrecision(3)))} times the largest effect`
      : '';
  return `of batches like these up to about ${share(expectedAlerts)} will alert (budget ${share(budget)})${above}`;
}
