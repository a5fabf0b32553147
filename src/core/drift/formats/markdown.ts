import type { DriftReport } from '../report.ts';
import { rowCount } from '../text-of.ts';
import { codeCell, ownWords, phraseCell } from './markdown-text.ts';
import { overviewOf, type OverviewRow } from './overview.ts';

export interface MarkdownOptions {
  /** UTF-8 bytes that the text may take; what does not fit is left out and counted. Default: what a comment on GitHub may hold. */
  readonly maxBytes?: number | undefined;
}

/** GitHub refuses comments of more than 65,536 characters. */
export const COMMENT_LIMIT = 65_000;
/** Stable columns that are named; more of them are a number. */
const NAMED_STABLE = 100;
const MOST_NOTES = 10;

/** GitHub-flavoured Markdown for a pull request or a step summary: verdict, one row a column, the rest folded away. */
export function markdownReport(
  report: DriftReport,
  { maxBytes = COMMENT_LIMIT }: MarkdownOptions = {},
): string {
  const { verdict, severity, summary, limit, rows, stable } = overviewOf(report);
  const { sources, rows: counts } = report;
  const head = [
    `### ${verdict}${severity === 'none' ? '' : ` (${severity})`}: ${ownWords(summary)}`,
    '',
    `${codeCell(sources.reference.name)} (${rowCount(counts.reference)}) → ${codeCell(sources.current.name)} (${rowCount(counts.current)})  `,
    `policy ${codeCell(report.policy)}, ${ownWords(limit)}`,
    '',
  ];
  const found = rows.filter(({ state }) => state !== 'inconclusive' && state !== 'skipped');
  const unanswered = rows.filter((row) => !found.includes(row));
  const tail = [...notesOf(report)];
  const size = (lines: readonly string[]): number => Buffer.byteLength(lines.join('\n')) + 1;
  // Room for the lines that say what was left out.
  const room = new Room(maxBytes - size(head) - size(tail) - 400);
  return `${[
    ...head,
    ...tableOf(found, room),
    ...folded(unansweredTitle(unanswered), unanswered, room),
    ...stableLines(stable, room),
    ...tail,
  ].join('\n')}\n`.replace(/\n{3,}/g, '\n\n');
}

/** Bytes that are left. */
class Room {
  #left: number;

  constructor(left: number) {
    this.#left = left;
  }

  /** Whether the text fits; if so, its room is taken. */
  take(text: string): boolean {
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
}

const TABLE_HEAD = ['| severity | column | size | change |', '|---|---|---|---|'];

function tableOf(rows: readonly OverviewRow[], room: Room): string[] {
  if (rows.length === 0) return [];
  const lines: string[] = [];
  if (!TABLE_HEAD.every((line) => room.take(line))) return [leftOut(rows.length), ''];
  for (const row of rows) {
    const line = rowLine(row);
    if (!room.take(line)) break;
    lines.push(line);
  }
  const missing = rows.length - lines.length;
  return [...TABLE_HEAD, ...lines, '', ...(missing > 0 ? [leftOut(missing), ''] : [])];
}

function leftOut(columns: number): string {
  return `${columns.toLocaleString('en-US')} more ${columns === 1 ? 'column is' : 'columns are'} left out here for their length.`;
}

function rowLine({ state, name, own, size, change }: OverviewRow): string {
  const shown = state === 'critical' || state === 'high' ? `**${state}**` : state;
  return `| ${shown} | ${own ? ownWords(name) : codeCell(name)} | ${ownWords(size).replaceAll(' ', '&nbsp;')} | ${phraseCell(change)} |`;
}

function unansweredTitle(rows: readonly OverviewRow[]): string {
  const of = (state: string): number => rows.filter((row) => row.state === state).length;
  const parts = (['inconclusive', 'skipped'] as const).flatMap((state) =>
    of(state) === 0 ? [] : [`${of(state).toLocaleString('en-US')} ${state}`],
  );
  return parts.join(', ');
}

function folded(title: string, rows: readonly OverviewRow[], room: Room): string[] {
  const frame = ['<details>', `<summary>${title}</summary>`, '', '</details>', ''];
  if (rows.length === 0) return [];
  if (!room.take(frame.join('\n'))) return [`${title}.`, ''];
  return [...frame.slice(0, 3), ...tableOf(rows, room), ...frame.slice(3)];
}

function stableLines(stable: readonly OverviewRow[], room: Room): string[] {
  if (stable.length === 0) return [];
  const amount = `${stable.length.toLocaleString('en-US')} stable`;
  const names = stable.map(({ name }) => codeCell(name, 40)).join(', ');
  const lines = ['<details>', `<summary>${amount}</summary>`, '', names, '', '</details>', ''];
  if (stable.length > NAMED_STABLE || !room.take(lines.join('\n'))) return [`${amount}.`, ''];
  return lines;
}

function notesOf({ notes }: DriftReport): string[] {
  const shown = notes.slice(0, MOST_NOTES).map((note) => `- ${phraseCell([{ sentence: note }])}`);
  const more = notes.length - shown.length;
  return [...shown, ...(more > 0 ? [`- ${more} more notes`] : [])];
}
