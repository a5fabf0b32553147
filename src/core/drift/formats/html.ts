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
import { STYLE } from './html-style.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { limitText, overviewOf, type Overview, type OverviewRow } from './overview.ts';
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
  budget.spend(head);
  budget.spend(foot);
  const columns = columnSections(overview, budget);
  const page = markup`${head}<main>${schemaSection(report)}${columns}${notesSection(report)}</main>${foot}</body></html>`;
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

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

function pageHead(report: DriftReport, { verdict }: Overview, { time, tool }: HtmlOptions): Markup {
  const { severity, sources, rows, totals, policy } = report;
  const answer = severity === 'none' ? verdict : `${verdict}: ${severity}`;
  const title = `${answer} – ${cut(sources.current.name, 100)}`;
  return markup`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><meta name="generator" content="${tool}"><title>${title}</title><style>${STYLE}</style></head>
<body><header><p class="kicker">Data drift report</p><h1>${chip(severity === 'none' ? report.verdict : severity, answer)} <span>${headline(report)}</span></h1>
<dl class="sources"><dt><i class="key r"></i>reference</dt><dd>${nameOf(sources.reference.name)} · ${rowCount(rows.reference)}${sources.reference.kind === 'profile' ? ' · profile' : ''}</dd><dt><i class="key c"></i>current</dt><dd>${nameOf(sources.current.name)} · ${rowCount(rows.current)}${sources.current.kind === 'profile' ? ' · profile' : ''}</dd></dl>
<p class="muted">Policy ${cut(policy, 60)}, ${limitText(report)} · ${totals.tests.toLocaleString('en-US')} tests corrected together · ${timeOf(time)}</p>${shareBar(report)}</header>`;
}

/** Short, as the counts of every severity stand below it. */
function headline({ verdict, totals }: DriftReport): string {
  const { columns, drift, inconclusive } = totals;
  const all = `${columns.toLocaleString('en-US')} ${columns === 1 ? 'column' : 'columns'}`;
  if (verdict === 'drift' || drift > 0) return `${drift.toLocaleString('en-US')} of ${all} drifted`;
  if (verdict === 'stable') return `No drift in ${all}`;
  return `Too few rows to tell for ${inconclusive.toLocaleString('en-US')} of ${all}`;
}

function timeOf(time: Date): Markup {
  const text = time.toISOString();
  return markup`<time datetime="${text}">${text.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

const STATES = ['critical', 'high', 'medium', 'low', 'inconclusive', 'skipped', 'stable'] as const;

/** How many columns are in which state, as one bar. */
function shareBar(report: DriftReport): Markup {
  const { rows, stable } = overviewOf(report);
  const counts = STATES.map((state) => ({
    state,
    count: state === 'stable' ? stable.length : rows.filter((row) => row.state === state).length,
  })).filter(({ count }) => count > 0);
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return NOTHING;
  let at = 0;
  const parts = counts.map(({ state, count }) => {
    const from = at;
    at += (count / total) * 1000;
    return markup`<rect class="${state}" x="${from.toFixed(1)}" width="${Math.max(0, at - from - 1.5).toFixed(1)}" height="12"/>`;
  });
  const legend = counts.map(
    ({ state, count }) => markup`<li>${chip(state)} ${count.toLocaleString('en-US')}</li>`,
  );
  return markup`<svg class="share" viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true">${parts}</svg><ul class="legend" aria-label="Columns by result">${legend}</ul>`;
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
          markup`<p>Type changed: ${nameOf(column)} ${cut(from, 40)} → ${cut(to, 40)}</p>`,
      ),
    ...renamed
      .slice(0, MOST_NAMES)
      .map(
        ({ from, to, reason }) =>
          markup`<p>Perhaps renamed: ${nameOf(from)} → ${nameOf(to)} <span class="muted">(${cut(reason, 200)})</span></p>`,
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
  rows: readonly OverviewRow[];
}

function columnSections({ rows, stable }: Overview, budget: Budget): Markup {
  const found = rows.filter(({ state }) => state !== 'inconclusive' && state !== 'skipped');
  const groups: Group[] = [
    { title: 'What changed', rows: found },
    { title: 'Without an answer', rows: rows.filter((row) => !found.includes(row)) },
    { title: 'Stable', rows: stable },
  ];
  const ids = new Map([...rows, ...stable].map((row, index) => [row, `c${index}`]));
  const table = overviewTable(found, ids, budget);
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
    return markup`<h2>${group.title} (${group.rows.length.toLocaleString('en-US')})</h2>${group.rows === found ? table : NOTHING}${shown}${rest}`;
  });
  return markup`${parts}`;
}

/** One line a column that changed; what there is no room for is among the sections, or counted there. */
function overviewTable(
  rows: readonly OverviewRow[],
  ids: ReadonlyMap<OverviewRow, string>,
  budget: Budget,
): Markup {
  if (rows.length < 2) return NOTHING;
  const lines: Markup[] = [];
  for (const row of rows.slice(0, MOST_LINES)) {
    const { name, state, size, change } = row;
    const line = budget.choose([
      () =>
        markup`<tr><td>${chip(state)}</td><th scope="row"><a href="#${ids.get(row) ?? ''}">${nameOf(name)}</a></th><td>${size}</td><td>${phraseMarkup(change)}</td></tr>`,
    ]);
    if (line === undefined) break;
    lines.push(line);
  }
  const head = ['severity', 'column', 'size', 'change'].map((title) => markup`<th scope="col">${title}</th>`);
  return scrollable(
    'What changed',
    markup`<table class="overview"><thead><tr>${head}</tr></thead><tbody>${lines}</tbody></table>`,
  );
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
