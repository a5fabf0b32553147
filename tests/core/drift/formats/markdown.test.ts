import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { describe, expect, test } from 'vitest';
import { codeCell, phraseCell } from '../../../../src/core/drift/formats/markdown-text.ts';
import { markdownReport } from '../../../../src/core/drift/formats/markdown.ts';
import { cut } from '../../../../src/core/drift/formats/phrase.ts';
import { printable } from '../../../../src/lib/terminal-text.ts';
import { columnOf, reportOf } from '../support/report-fixtures.ts';
import { parsedFragment, textOf, within, type ParsedHtml } from '../support/parsed-html.ts';
import { HOSTILE_TEXTS, hostileReport, paymentsReport, stableReport } from '../support/scenarios.ts';

/** What GitHub's dialect makes of it, HTML in it included. */
function rendered(markdown: string): ParsedHtml {
  const html = micromark(markdown, {
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
    allowDangerousHtml: true,
    allowDangerousProtocol: true,
  });
  return parsedFragment(html);
}

const ALLOWED = new Set('h3 p br code table thead tbody tr th td strong details summary ul li'.split(' '));

function cellsOf({ elements }: ParsedHtml): string[][] {
  return elements
    .filter(({ tagName }) => tagName === 'tr')
    .map((row) => [...within(row, 'th'), ...within(row, 'td')].map(textOf));
}

describe('the Markdown report', () => {
  test('is a heading, the sources, a table and the rest folded away', () => {
    const markdown = markdownReport(paymentsReport());
    expect(markdown).toContain(
      '### Drift (critical): 7 of 17 columns (3 critical, 1 high, 3 medium); 1 low, 1 inconclusive, 1 skipped\n',
    );
    expect(markdown).toContain(
      '`fraud_detector@production` (3,000 rows) → `data/2026-11-23.parquet` (812 rows)  \npolicy `mlops-2`, alpha 0.01, fail-on medium: failed\n',
    );
    const page = rendered(markdown);
    const rows = cellsOf(page);
    expect(rows[0]).toEqual(['severity', 'column', 'size', 'change']);
    expect(rows[3]).toEqual([
      'critical',
      'amount',
      'D\u00a00.43',
      expect.stringMatching(/^up: median .* → .*; ≤ .*; 3\.2 % above 412\.5, up to 9120$/),
    ]);
    expect(page.elements.filter(({ tagName }) => tagName === 'summary').map(textOf)).toEqual([
      '1 inconclusive, 1 skipped',
      '7 stable',
    ]);
  });

  test('of a stable data set is short', () => {
    expect(markdownReport(stableReport(3))).toBe(
      `### Stable: no drift in 3 columns

\`train.csv\` (3,000 rows) → \`today.csv\` (812 rows)  
policy \`mlops-2\`, alpha 0.01, fail-on medium: passed

<details>
<summary>3 stable</summary>

\`x0\`, \`x1\`, \`x2\`

</details>

`,
    );
  });

  test('no name, value, message or note becomes markup, and every row has its four cells', () => {
    const page = rendered(markdownReport(hostileReport(), { maxBytes: 500_000 }));
    const tags = new Set(page.elements.map(({ tagName }) => tagName));
    expect([...tags].filter((tag) => !ALLOWED.has(tag))).toEqual([]);
    expect(page.comments).toEqual([]);
    const attributes = page.elements.flatMap(({ tagName, attrs }) =>
      attrs.map(({ name }) => `${tagName}@${name}`),
    );
    expect(attributes).toEqual([]);
    const rows = cellsOf(page);
    expect(rows.length).toBeGreaterThan(2 * HOSTILE_TEXTS.length);
    for (const row of rows) expect(row).toHaveLength(4);
    expect(new Set(rows.slice(1).map(([state]) => state))).toEqual(
      new Set(['severity', 'high', 'medium', 'skipped']),
    );
  });

  test('whatever could be a link, a mention or an issue stands in code', () => {
    const page = rendered(markdownReport(hostileReport(), { maxBytes: 500_000 }));
    const outside = page.elements
      .flatMap(({ tagName, childNodes }) => (tagName === 'code' ? [] : childNodes))
      .map((node) => (node.nodeName === '#text' && 'value' in node ? node.value : ''))
      .join('\n');
    expect(outside).not.toMatch(/@|#\d|GH-\d|https?:|www\.|evil/);
  });

  test('stays below the limit, and says how many columns it leaves out', () => {
    const columns = Array.from({ length: 5000 }, (_, index) =>
      columnOf(`column_${index}_${'x'.repeat(60)}`, { severity: 'high', verdict: 'drift' }),
    );
    const markdown = markdownReport(reportOf(columns));
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(65_000);
    const rows = cellsOf(rendered(markdown)).length - 1;
    expect(rows).toBeGreaterThan(500);
    expect(markdown).toContain(`${(5000 - rows).toLocaleString('en-US')} more columns are left out here`);
  });

  test.each([4096, 10_000, 65_000])('takes at most %i bytes whatever the report holds', (maxBytes) => {
    const report = hostileReport();
    const markdown = markdownReport(report, { maxBytes });
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(maxBytes);
    expect(markdown).toContain('### Drift (high)');
  });
});

describe('text of the data in a cell', () => {
  const cellOf = (markdown: string): string[] =>
    cellsOf(rendered(`| a | b |\n|---|---|\n| ${markdown} | end |\n`))[1] ?? [];

  /** Up to doubled backslashes before a bar, which is what keeps the bar in its cell in every reader. */
  const normal = (text: string): string => text.replaceAll(/\\+\|/g, '|').replaceAll(/ +/g, ' ').trim();

  test('reads as it is, whatever it is', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({
        unit: fc.constantFrom('`', '|', '\\', ' ', 'a', '<', '@', '*', '[', ']', '&', ';', '~'),
        minLength: 1,
      }),
      fc.constantFrom(...HOSTILE_TEXTS.filter((text) => text.trim() !== '')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const shown = normal(printable(cut(text, 80)));
        fc.pre(shown !== '');
        const cells = cellOf(codeCell(text));
        expect(cells.map(normal)).toEqual([shown, 'end']);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a|b', '`a\\|b`'],
    ['a\\|b', '`a\\\\\\|b`'],
    ['a\\\\|b', '`a\\\\\\|b`'],
    ['`', '`` ` ``'],
    ['a``b', '```a``b```'],
    ['', '(no name)'],
  ])('%j is written %s', (text, markdown) => {
    expect(codeCell(text)).toBe(markdown);
  });

  test.each([
    ['nulls 0 % -> 12 %', 'nulls 0 % -\\> 12 %'],
    ['2 of 3 <0.01 %', '2 of 3 &lt;0.01 %'],
    ['ask @octocat', '`ask @octocat`'],
    ['see #12', '`see #12`'],
    ['at evil.example', '`at evil.example`'],
    ['value 0.5 in 3 % of the rows', 'value 0.5 in 3 % of the rows'],
  ])('the sentence %j is written %s', (sentence, markdown) => {
    expect(phraseCell([{ sentence }])).toBe(markdown);
  });
});
