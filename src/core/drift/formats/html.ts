import type { DriftReport } from '../report.ts';
import { rowCount } from '../text-of.ts';
import {
  chip,
  columnSection,
  hasCharts,
  nameOf,
  phraseMarkup,
  scrollable,
  type Detail,
} from './html-column.ts';
import { pageHead } from './html-head.ts';
import { rowSections } from './html-rows.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { isColumnRow, overviewOf, type ColumnRow, type Overview, type OverviewRow } from './overview.ts';
import { cut } from './phrase.ts';

export interface HtmlOptions {
  /** When the comparison was made. */
  readonly time: Date;
  /** Name and version of the program. */
  readonly tool: string;
  /** UTF-8 bytes that the page may take; columns that do not fit lose their charts, then their tables. Default 1,900,000. */
  readonly maxBytes?: number | undefined;
}

const MAX_BYTES = 1_900_000;
/** Columns of which a reader sees the charts without a click. */
const OPEN = 6;
const LONGEST_NOTE = 500;
const MOST_NAMES = 50;
/** Of the table at the top: the sections below it need the room. */
const MOST_LINES = 500;

/** One page that needs nothing else: no script, no network, no style but its own. */
export function htmlReport(report: DriftReport, options: HtmlOptions): string {
  const overview = overviewOf(report);
  const budget = new Budget(options.maxBytes ?? MAX_BYTES);
  const head = pageHead(report, overview, options);
  const foot = footer(report, options);
  const rows = rowSections(report);
  budget.spend(head);
  budget.spend(rows);
  budget.spend(foot);
  const columns = columnSections(overview, budget);
  const page = markup`${head}<main>${schemaSection(report)}${columns}${rows}${notesSection(report)}</main>${foot}</body></html>`;
  return `${page.text}\n`;
}

class Budget {
  #left: number;

  constructor(left: number) {
    this.#left = left;
  }

  /** What is not part of a choice. */
  spend({ text }: Markup): void {
    this.#left -= Buffer.byteLength(text);
  }

  /** The first of these that still fits, and takes its room. */
  choose(candidates: readonly (() => Markup)[]): Markup | undefined {
    for (const make of candidates) {
      const made = make();
      const bytes = Buffer.byteLength(made.text);
      if (bytes > this.#left) continue;
      this.#left -= bytes;
      return made;
    }
    return undefined;
  }
}

function schemaSection({ schema }: DriftReport): Markup {
  const { missing, added, typeChanged, renamed } = schema;
  const lines = [
    ...(missing.length > 0 ? [markup`<p>Missing: ${names(missing)}</p>`] : []),
    ...(added.length > 0 ? [markup`<p>Added: ${names(added)}</p>`] : []),
    ...typeChanged
      .slice(0, MOST_NAMES)
      .map(
        ({ column, from, to }) =>
          markup`<p>Type changed: ${nameOf(column)} ${cut(from, 40)} &rarr; ${cut(to, 40)}</p>`,
      ),
    ...renamed
      .slice(0, MOST_NAMES)
      .map(
        ({ from, to, reason }) =>
          markup`<p>Perhaps renamed: ${nameOf(from)} &rarr; ${nameOf(to)} <span class="muted">(${cut(reason, 200)})</span></p>`,
      ),
  ];
  return lines.length === 0 ? NOTHING : markup`<h2>Schema</h2><div class="note">${lines}</div>`;
}

function names(columns: readonly string[]): Markup[] {
  const shown = columns
    .slice(0, MOST_NAMES)
    .map((name, index) => markup`${index === 0 ? '' : ', '}${nameOf(name)}`);
  const more = columns.length - shown.length;
  return more > 0 ? [...shown, markup` and ${more.toLocaleString('en-US')} more`] : shown;
}

interface Group {
  title: string;
  rows: readonly ColumnRow[];
}

function columnSections({ rows, stable }: Overview, budget: Budget): Markup {
  const isAnswered = ({ state }: OverviewRow): boolean => state !== 'inconclusive' && state !== 'skipped';
  const columns = rows.filter(isColumnRow);
  const found = columns.filter(isAnswered);
  const groups: Group[] = [
    { title: 'What changed', rows: found },
    { title: 'Without an answer', rows: columns.filter((row) => !isAnswered(row)) },
    { title: 'Stable', rows: stable },
  ];
  const ids = new Map<OverviewRow, string>([...columns, ...stable].map((row, index) => [row, `c${index}`]));
  const lines = rows.filter((row) => row.own || isAnswered(row));
  const table = overviewTable(lines, ids, budget);
  let opened = 0;
  const parts = groups.map((group): Markup => {
    if (group.rows.length === 0) return NOTHING;
    const shown: Markup[] = [];
    for (const row of group.rows) {
      const id = ids.get(row) ?? '';
      const open = group.rows === found && opened < OPEN && hasCharts(row.column);
      if (open) opened += 1;
      const draw = (detail: Detail) => (): Markup => columnSection(row, { id, open, detail });
      const section = budget.choose([draw('charts'), draw('tables')]);
      if (section === undefined) break;
      shown.push(section);
    }
    const missing = group.rows.length - shown.length;
    const rest =
      missing === 0
        ? NOTHING
        : markup`<p class="muted">${missing.toLocaleString('en-US')} more are left out to keep this page small; the JSON report has them.</p>`;
    return markup`<h2>${group.title} (${group.rows.length.toLocaleString('en-US')})</h2>${shown}${rest}`;
  });
  return markup`${table}${parts}`;
}

/** One line a column that changed; what there is no room for is among the sections, or counted there. */
function overviewTable(
  rows: readonly OverviewRow[],
  ids: ReadonlyMap<OverviewRow, string>,
  budget: Budget,
): Markup {
  if (rows.length === 0) return NOTHING;
  const lines: Markup[] = [];
  for (const row of rows.slice(0, MOST_LINES)) {
    const { name, own, state, size, change } = row;
    const head = own ? markup`${name}` : markup`<a href="#${ids.get(row) ?? ''}">${nameOf(name)}</a>`;
    const line = budget.choose([
      () =>
        markup`<tr><td>${chip(state)}</td><th scope="row">${head}</th><td>${size}</td><td>${phraseMarkup(change)}</td></tr>`,
    ]);
    if (line === undefined) break;
    lines.push(line);
  }
  const head = ['severity', 'column', 'size', 'change'].map((title) => markup`<th scope="col">${title}</th>`);
  return markup`<h2>Overview</h2>${scrollable(
    'Overview',
    markup`<table class="overview"><thead><tr>${head}</tr></thead><tbody>${lines}</tbody></table>`,
  )}`;
}

function notesSection({ notes, sources }: DriftReport): Markup {
  const duplicates = (['reference', 'current'] as const).flatMap((side) => {
    const found = sources[side].duplicates;
    if (found === null || found.rows === 0) return [];
    return [
      `${found.exact ? '' : 'about '}${rowCount(found.rows)} of the ${side} data ${found.rows === 1 ? 'is a duplicate' : 'are duplicates'}`,
    ];
  });
  const lines = [...notes.slice(0, MOST_NAMES), ...duplicates];
  if (lines.length === 0) return NOTHING;
  return markup`<h2>Notes</h2><ul class="notes">${lines.map((note) => markup`<li>${cut(note, LONGEST_NOTE)}</li>`)}</ul>`;
}

const GLOSSARY: readonly (readonly [term: string, meaning: string])[] = [
  [
    'D',
    'largest gap between the two distribution functions: the share of rows that would have to change (Kolmogorov-Smirnov)',
  ],
  [
    'W',
    'distance that the rows moved on average, in robust standard deviations of the reference (Wasserstein)',
  ],
  [
    'TVD',
    'share of rows in other categories than before, less what chance alone would give (total variation distance)',
  ],
  ['Δ', 'difference of two shares'],
  ['limits', 'from which size on a change is medium / high / critical'],
  [
    'p, q',
    'how often chance alone gives as much; q is corrected for all tests of this report (Benjamini-Hochberg)',
  ],
  ['inconclusive', 'too few rows to tell drift from chance'],
];

function footer({ alpha }: DriftReport, { tool }: HtmlOptions): Markup {
  const terms = GLOSSARY.map(([term, meaning]) => markup`<dt>${term}</dt><dd>${meaning}</dd>`);
  return markup`<footer><h2>How to read this</h2><p>A column drifted when a check has both q at or below ${alpha} and an effect at or above its limit. A change that is certain but small is low and does not count as drift.</p><dl>${terms}</dl><p>Made by ${tool}. This page loads nothing from anywhere and runs no script.</p></footer>`;
}
