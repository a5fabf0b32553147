import type { Categories, CategoryChange } from '../report.ts';
import { percent } from '../text-of.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { cut } from './phrase.ts';

const LONGEST_CATEGORY = 48;
const NAMED = 5;

/** The categories of both sides as a table with bars, and those that came and went. */
export function categoryCharts({ bars, unseen, unseenCount, gone, goneCount }: Categories): Markup {
  const most = Math.max(
    0,
    ...bars.flatMap(({ referenceShare, currentShare }) => [referenceShare, currentShare]),
  );
  const rows = bars.map((change) => barRow(change, most));
  const table = markup`<table class="bars"><caption>Share of rows by category</caption><thead><tr><th scope="col">category</th><th scope="col">reference</th><th scope="col">current</th><td></td></tr></thead><tbody>${rows}</tbody></table>`;
  return markup`${bars.length === 0 ? NOTHING : table}${listed('New', unseen, unseenCount)}${listed('Gone', gone, goneCount)}`;
}

function barRow({ category, referenceShare, currentShare }: CategoryChange, most: number): Markup {
  const name =
    category === null
      ? markup`<i>all others</i>`
      : markup`${category === '' ? '(empty)' : cut(category, LONGEST_CATEGORY)}`;
  const width = (share: number): number => (most > 0 ? Math.round((Math.max(0, share) / most) * 100) : 0);
  const bars = markup`<path class="r" d="M0 1h${width(referenceShare)}v6H0z"/><path class="c" d="M0 8h${width(currentShare)}v6H0z"/>`;
  return markup`<tr><th scope="row">${name}</th><td>${percent(referenceShare)}</td><td>${percent(currentShare)}</td><td><svg viewBox="0 0 100 15" aria-hidden="true">${bars}</svg></td></tr>`;
}

function listed(title: string, changes: readonly CategoryChange[], count: number): Markup {
  if (count <= 0 || changes.length === 0) return NOTHING;
  const names = changes.slice(0, NAMED).map(({ category, referenceShare, currentShare }, index) => {
    const name =
      category === null ? markup`rare ones` : markup`<code>${cut(category, LONGEST_CATEGORY)}</code>`;
    return markup`${index === 0 ? '' : ', '}${name} (${percent(Math.max(referenceShare, currentShare))})`;
  });
  const more = count - names.length;
  return markup`<p>${title} (${count.toLocaleString('en-US')}): ${names}${more > 0 ? ` and ${more.toLocaleString('en-US')} more` : ''}</p>`;
}
