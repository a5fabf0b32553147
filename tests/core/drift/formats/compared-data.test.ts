import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { githubReport } from '../../../../src/core/drift/formats/github.ts';
import { htmlReport } from '../../../../src/core/drift/formats/html.ts';
import { jsonReport } from '../../../../src/core/drift/formats/json.ts';
import { junitReport } from '../../../../src/core/drift/formats/junit.ts';
import { markdownReport } from '../../../../src/core/drift/formats/markdown.ts';
import { plainOverview } from '../../../../src/core/drift/formats/overview.ts';
import { encodeReport, parseReport } from '../../../../src/core/drift/reports/kept-report.ts';
import type { DriftReport } from '../../../../src/core/drift/report.ts';
import { compare } from '../support/compare.ts';
import { column, type MemoryColumn } from '../support/memory-side.ts';
import { attributeOf, parsedPage, textOf, within } from '../support/parsed-html.ts';
import { normalSample, seeded } from '../support/report-fixtures.ts';

const ROWS = { reference: 2000, current: 1500 };

/** Data whose one change a column is known, as a person would plant it. */
function data(side: 'reference' | 'current'): MemoryColumn[] {
  const isNow = side === 'current';
  const rows = ROWS[side];
  const numbers = (seed: number, mean = 0) =>
    normalSample(rows, { mean, sd: 1, seed: seed + (isNow ? 1 : 0) });
  const random = seeded(isNow ? 5 : 6);
  const countries = Array.from({ length: rows }, () => {
    const at = random();
    if (isNow && at < 0.06) return '<script>alert(1)</script>';
    return at < (isNow ? 0.35 : 0.6) ? 'DE' : 'FR';
  });
  const nulls = numbers(40).map((value) => (isNow && random() < 0.15 ? null : value));
  return [
    column('steady', numbers(10)),
    column('shifted|`up`', numbers(20, isNow ? 1 : 0)),
    column('country', countries),
    column('holes', nulls),
    column(
      'scale',
      numbers(50).map((value) => (isNow && random() < 0.05 ? value * 1000 : value)),
    ),
    column(isNow ? 'come' : 'gone', numbers(60, isNow ? 9 : 0)),
    column(
      'constant',
      Array.from({ length: rows }, () => 7),
    ),
  ];
}

let report: DriftReport;
beforeAll(async () => {
  report = await compare(data('reference'), data('current'));
});

describe('a report of compared data', () => {
  test('has a line for each planted change, in words that say which', () => {
    const rows = new Map(plainOverview(report).rows.map((row) => [row.name, row]));
    expect(rows.get('gone')).toMatchObject({
      state: 'critical',
      change: expect.stringMatching(/^missing from the current data/),
    });
    expect(rows.get('come')).toMatchObject({
      state: 'low',
      change: expect.stringMatching(/^only in the current data/),
    });
    expect(rows.get('shifted|`up`')).toMatchObject({
      state: expect.stringMatching(/medium|high|critical/),
      size: expect.stringMatching(/^[DW] \d/),
      change: expect.stringMatching(/^up: median -?0\.\d+ → (0\.9|1)\S*; ≤ \S+: \d\d % → \d\d %/),
    });
    expect(rows.get('country')?.change).toContain('"<script>alert(1)</script>"');
    expect(rows.get('holes')).toMatchObject({ change: expect.stringMatching(/nulls 0 % → 1\d %/) });
    expect(rows.get('scale')?.change).toMatch(/above|below/);
    expect(rows.get('steady')?.state).toBe('stable');
    expect(rows.get('constant')?.state).toBe('stable');
  });

  test('is drawn: each column of numbers with its histogram and both distribution functions', () => {
    const page = parsedPage(htmlReport(report, { time: new Date(0), tool: 'mlops/1' }));
    expect(page.errors).toEqual([]);
    const sections = page.elements.filter(({ tagName }) => tagName === 'details');
    const shifted = sections.find((section) => textOf(section).includes('shifted|`up`'));
    if (shifted === undefined) throw new Error('no section');
    expect(within(shifted, 'figure')).toHaveLength(2);
    const curves = within(shifted, 'path').filter((path) =>
      /^l [rc]$/.test(attributeOf(path, 'class') ?? ''),
    );
    expect(curves).toHaveLength(2);
    const country = sections.find((section) => textOf(section).includes('Share of rows by category'));
    expect(country && within(country, 'tr').map(textOf)).toContainEqual(expect.stringContaining('<script>'));
    expect(page.elements.map(({ tagName }) => tagName)).not.toContain('script');
  });

  test('is Markdown, annotations and JUnit that count alike', () => {
    const html = micromark(markdownReport(report), { extensions: [gfm()], htmlExtensions: [gfmHtml()] });
    expect(html).toContain('<td><code>shifted|`up`</code></td>');
    const failures = report.columns.filter(({ verdict }) => verdict === 'drift').length;
    expect(failures).toBeGreaterThanOrEqual(5);
    expect(githubReport(report).match(/^::error /gm)).toHaveLength(failures);
    expect(junitReport(report)).toContain(
      `<testsuites name="mlops drift" tests="8" failures="${failures}" errors="0"`,
    );
  });

  test('is what the published schema describes, and comes back from where it is kept', () => {
    const schema = readFileSync(
      new URL('../../../../docs/drift-report.schema.json', import.meta.url),
      'utf8',
    );
    const validate = new Ajv2020({ strict: true }).compile(JSON.parse(schema) as Record<string, unknown>);
    expect(validate(JSON.parse(jsonReport(report)))).toBe(true);
    const { id, bytes } = encodeReport(report, new Date('2026-11-23T10:15:00.000Z'));
    expect(parseReport(bytes, `${id}.json`)).toEqual(report);
  });
});
