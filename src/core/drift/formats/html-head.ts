import type { DriftReport } from '../report.ts';
import { rowCount } from '../text-of.ts';
import { chip, nameOf } from './html-column.ts';
import { STYLE } from './html-style.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { isColumnRow, type Overview } from './overview.ts';
import { cut } from './phrase.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** Everything up to the verdict and the counts. */
export function pageHead(
  report: DriftReport,
  overview: Overview,
  { time, tool }: { time: Date; tool: string },
): Markup {
  const { verdict, severity, limit } = overview;
  const { sources, rows, totals, policy } = report;
  const answer = severity === 'none' ? verdict : `${verdict}: ${severity}`;
  const title = `${answer} – ${cut(sources.current.name, 100)}`;
  return markup`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><meta name="generator" content="${tool}"><title>${title}</title><style>${STYLE}</style></head>
<body><header><p class="kicker">Data drift report</p><h1>${chip(severity === 'none' ? report.verdict : severity, answer)} <span>${headline(report)}</span></h1>
<dl class="sources"><dt><i class="key r"></i>reference</dt><dd>${nameOf(sources.reference.name)} &middot; ${rowCount(rows.reference)}${sources.reference.kind === 'profile' ? ' \u00b7 profile' : ''}</dd><dt><i class="key c"></i>current</dt><dd>${nameOf(sources.current.name)} &middot; ${rowCount(rows.current)}${sources.current.kind === 'profile' ? ' \u00b7 profile' : ''}</dd></dl>
<p class="muted">Policy ${cut(policy, 60)}, ${limit} &middot; ${totals.tests.toLocaleString('en-US')} tests corrected together &middot; ${timeOf(time)}</p>${shareBar(overview)}</header>`;
}

/** Short, as the counts of every severity stand below it. */
function headline({ verdict, totals, performance, multivariate }: DriftReport): string {
  const { columns, drift, inconclusive } = totals;
  const all = `${columns.toLocaleString('en-US')} ${columns === 1 ? 'column' : 'columns'}`;
  if (verdict === 'stable') return `No drift in ${all}`;
  if (verdict === 'inconclusive') {
    return `Too few rows to tell for ${inconclusive.toLocaleString('en-US')} of ${all}`;
  }
  return [
    `${drift.toLocaleString('en-US')} of ${all} drifted`,
    ...(performance?.verdict === 'drift' ? ['performance is worse'] : []),
    ...(multivariate?.verdict === 'drift' ? ['rows as a whole changed'] : []),
  ].join(', ');
}

function timeOf(time: Date): Markup {
  const text = time.toISOString();
  return markup`<time datetime="${text}">${text.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

const STATES = ['critical', 'high', 'medium', 'low', 'inconclusive', 'skipped', 'stable'] as const;

/** How many columns are in which state, as one bar. */
function shareBar({ rows, stable }: Overview): Markup {
  const columns = [...rows.filter(isColumnRow), ...stable];
  const counts = STATES.map((state) => ({
    state,
    count: columns.filter((row) => row.state === state).length,
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
