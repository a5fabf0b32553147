import type { Check, ColumnReport, Effect, Measure, SideCounts } from '../report.ts';
import { effectText, percent, probability } from '../text-of.ts';
import { sizeText, valueText } from './column-change.ts';
import { categoryCharts } from './html-categories.ts';
import { distributionCharts } from './html-charts.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import type { ColumnRow, OverviewRow } from './overview.ts';
import { cut, type Phrase } from './phrase.ts';

const LONGEST_NAME = 120;
const LONGEST_TEXT = 400;

/** How much of a column is drawn, where a file of many columns has to stay small. */
export type Detail = 'charts' | 'tables';

/** A severity or verdict as a coloured word. The class is one of ours, whatever the data hold. */
export function chip(state: OverviewRow['state'], text: string = state): Markup {
  return markup`<span class="chip ${state}">${text}</span>`;
}

export function nameOf(name: string): Markup {
  return name === '' ? markup`<i>(no name)</i>` : markup`<code>${cut(name, LONGEST_NAME)}</code>`;
}

export function phraseMarkup(phrase: Phrase): Markup[] {
  return phrase.map((piece) => {
    if (typeof piece === 'string') return markup`${unbroken(piece)}`;
    return 'data' in piece
      ? markup`<code>${cut(piece.data, LONGEST_NAME)}</code>`
      : markup`${cut(piece.sentence, LONGEST_TEXT)}`;
  });
}

/** Our own words with numbers and their units on one line. */
function unbroken(text: string): string {
  return text.replaceAll(/(\d) %/g, '$1\u00a0%');
}

/** A table that may be wider than a phone; it can be moved with the keyboard too. */
export function scrollable(label: string, table: Markup): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${table}</div>`;
}

/** Whether there is something to see of the column besides numbers. */
export function hasCharts({ histogram, ecdf, categories }: ColumnReport): boolean {
  return histogram !== null || ecdf !== null || (categories !== null && categories.bars.length > 0);
}

/** One column, folded up unless it is `open`; `id` is of our making. */
export function columnSection(
  row: ColumnRow,
  { id, open, detail }: { id: string; open: boolean; detail: Detail },
): Markup {
  const { column, name, state, size, change } = row;
  const role = column.role === 'feature' ? NOTHING : markup` <span class="tag">${column.role}</span>`;
  const summary = markup`<summary>${chip(state)} ${nameOf(name)} <span class="muted">${column.type ?? 'no type'}</span>${role}<span class="what">${[size, size !== '' && change.length > 0 ? ' · ' : ''].join('')}${phraseMarkup(change)}</span></summary>`;
  const charts = detail === 'charts' ? [distributionCharts(column), categoriesOf(column)] : [];
  const notes = column.notes.slice(0, 20).map((note) => markup`<li>${cut(note, LONGEST_TEXT)}</li>`);
  const pieces = [
    open ? markup`<details open>` : markup`<details>`,
    summary,
    markup`<div class="body" id="${id}">`,
    ...charts,
    markup`<div class="tables">${sidesTable(column)}${checksTable(column.checks)}</div>`,
    measuresTable(column.additional),
    markup`<p class="muted">Type ${column.type ?? 'unknown'}: ${cut(column.typeReason, LONGEST_TEXT)}</p>`,
    notes.length === 0 ? NOTHING : markup`<ul class="notes">${notes}</ul>`,
    markup`</div></details>`,
  ];
  return markup`${pieces}`;
}

function categoriesOf({ categories }: ColumnReport): Markup {
  return categories === null ? NOTHING : categoryCharts(categories);
}

type Fact = readonly [label: string, of: (side: SideCounts) => string, shown?: (side: SideCounts) => boolean];

function sidesTable(column: ColumnReport): Markup {
  const { reference, current } = column;
  const number = (value: number): string => value.toLocaleString('en-US');
  const part = (count: number, { rows }: SideCounts): string =>
    `${number(count)}${rows > 0 && count > 0 ? ` (${percent(Math.min(1, count / rows))})` : ''}`;
  const value = (of: number | null): string => (of === null ? '–' : valueText(column, of));
  const facts: Fact[] = [
    ['rows', ({ rows }) => number(rows)],
    [
      'compared',
      ({ compared }) => number(compared),
      ({ compared, rows, nulls }) => compared !== rows - nulls,
    ],
    ['nulls', (side) => part(side.nulls, side)],
    ['unparsable', (side) => part(side.unparsable, side), ({ unparsable }) => unparsable > 0],
    ['not finite', (side) => part(side.nonFinite, side), ({ nonFinite }) => nonFinite > 0],
    [
      'different values',
      ({ distinct, distinctExact }) =>
        distinct === null ? '–' : `${distinctExact ? '' : 'at least '}${number(distinct)}`,
      ({ distinct }) => distinct !== null,
    ],
    ['smallest', ({ min }) => value(min), ({ min }) => min !== null],
    ['median', ({ median }) => value(median), ({ median }) => median !== null],
    ['largest', ({ max }) => value(max), ({ max }) => max !== null],
  ];
  const sides = [reference, current];
  const rows = facts
    .filter(([, , shown]) => shown === undefined || sides.some((side) => side !== null && shown(side)))
    .map(([label, of]) => {
      const cells = sides.map((side) => markup`<td>${side === null ? '–' : of(side)}</td>`);
      return markup`<tr><th scope="row">${label}</th>${cells}</tr>`;
    });
  const head = markup`<tr><td></td><th scope="col"><i class="key r"></i>reference</th><th scope="col"><i class="key c"></i>current</th></tr>`;
  return markup`<table class="sides"><thead>${head}</thead><tbody>${rows}</tbody></table>`;
}

function checksTable(checks: readonly Check[]): Markup {
  if (checks.length === 0) return NOTHING;
  const rows = checks.map((check) => {
    const { severity, verdict, test, pValue, qValue } = check;
    const state = severity === 'none' ? verdict : severity;
    const cells = [
      markup`<td>${chip(state)}</td>`,
      markup`<td>${sizeText(check)}</td>`,
      markup`<td>${limitsOf(check)}</td>`,
      markup`<td>${cut(test, 60)}</td>`,
      markup`<td>${pValue === null ? '–' : probability(pValue)}</td>`,
      markup`<td>${qValue === null ? '–' : probability(qValue)}</td>`,
    ];
    return markup`<tr><th scope="row">${check.check}</th>${cells}</tr>`;
  });
  const head = ['check', 'result', 'size', 'limits', 'test', 'p', 'q'].map(
    (title) => markup`<th scope="col">${title}</th>`,
  );
  return scrollable(
    'Checks',
    markup`<table class="checks"><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table>`,
  );
}

function limitsOf({ effects }: Check): string {
  const [first]: readonly (Effect | undefined)[] = effects;
  if (first === undefined || first.medium === null) return '–';
  return [first.medium, first.high, first.critical]
    .map((limit) => (limit === null ? '–' : effectText(limit)))
    .join(' / ');
}

const MEASURES: Readonly<Record<string, string>> = {
  psi: 'PSI',
  jensenShannon: 'Jensen-Shannon',
  kullbackLeibler: 'Kullback-Leibler',
  hellinger: 'Hellinger',
  totalVariation: 'total variation',
  andersonDarling: 'Anderson-Darling',
  cramerVonMises: 'Cramér-von Mises',
  mannWhitney: 'Mann-Whitney',
  energyDistance: 'energy distance',
  wasserstein: 'Wasserstein',
};

function measuresTable(measures: readonly Measure[]): Markup {
  if (measures.length === 0) return NOTHING;
  const rows = measures.map(({ name, value, pValue, null95, reason }) => {
    const label = Object.hasOwn(MEASURES, name) ? (MEASURES[name] ?? name) : cut(name, 60);
    const shown =
      value === null
        ? markup`&ndash; <span class="muted">${cut(reason ?? '', 120)}</span>`
        : markup`${effectText(value)}`;
    const beside = [
      ...(pValue === null ? [] : [`p ${probability(pValue)}`]),
      ...(null95 === null ? [] : [`95 % of unchanged samples below ${effectText(null95)}`]),
    ];
    return markup`<tr><th scope="row">${label}</th><td>${shown}</td><td>${beside.join(', ')}</td></tr>`;
  });
  return markup`<details class="more"><summary>Other measures, which do not decide</summary><table><tbody>${rows}</tbody></table></details>`;
}
