import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { htmlReport } from '../../../../src/core/drift/formats/html.ts';
import { STYLE } from '../../../../src/core/drift/formats/html-style.ts';
import { cut } from '../../../../src/core/drift/formats/phrase.ts';
import type { ColumnReport, DriftReport } from '../../../../src/core/drift/report.ts';
import { printable } from '../../../../src/lib/terminal-text.ts';
import { anyReport } from '../support/hostile-numbers.ts';
import { attributeOf, parsedPage, shapeOf, textOf, within, type ParsedHtml } from '../support/parsed-html.ts';
import {
  categoricalColumn,
  columnOf,
  normalSample,
  numericColumn,
  reportOf,
} from '../support/report-fixtures.ts';
import { multivariateOf, performanceOf } from '../support/row-sections.ts';
import { HOSTILE_TEXTS, hostileReport, paymentsReport, stableReport } from '../support/scenarios.ts';

const OPTIONS = { time: new Date('2026-11-23T10:15:00.000Z'), tool: 'mlops/1.0.0' };
const pageOf = (report: DriftReport, maxBytes?: number): ParsedHtml =>
  parsedPage(htmlReport(report, { ...OPTIONS, maxBytes }));

const all = ({ elements }: Pick<ParsedHtml, 'elements'>, tagName: string) =>
  elements.filter((element) => element.tagName === tagName);

function only(page: ParsedHtml, tagName: string) {
  const [element] = all(page, tagName);
  if (element === undefined) throw new Error(`no ${tagName}`);
  return element;
}

/** The same report with other strings in the place of each one that is not one of the format's own words. */
function withTexts(value: unknown, other: (text: string, key: string) => string, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => withTexts(each, other, key));
  if (typeof value === 'string') return OWN_WORDS.has(key) ? value : other(value, key);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, withTexts(each, other, name)]),
  );
}

const OWN_WORDS = new Set(
  'format policy verdict severity failOn kind check effectKind role type direction side task basis metric better'.split(
    ' ',
  ),
);

describe('the page', () => {
  test('is valid HTML without a mistake, for every kind of finding', () => {
    for (const report of [paymentsReport(), stableReport(3), hostileReport(), reportOf([])]) {
      expect(pageOf(report).errors).toEqual([]);
    }
  });

  test('loads nothing and runs nothing', () => {
    const page = pageOf(hostileReport(), 1e9);
    const policy = all(page, 'meta').find(
      (meta) => attributeOf(meta, 'http-equiv') === 'Content-Security-Policy',
    );
    expect(policy && attributeOf(policy, 'content')).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    );
    const tags = new Set(page.elements.map(({ tagName }) => tagName));
    for (const tag of [
      'script',
      'img',
      'link',
      'iframe',
      'object',
      'embed',
      'base',
      'form',
      'use',
      'image',
      'foreignObject',
    ]) {
      expect(tags).not.toContain(tag);
    }
    const attributes = page.elements.flatMap(({ attrs }) => attrs);
    expect(attributes.filter(({ name }) => /^on|^src|^style$|^xlink/.test(name))).toEqual([]);
    const links = attributes.filter(({ name }) => name === 'href').map(({ value }) => value);
    expect(links.length).toBeGreaterThan(10);
    for (const link of links) expect(link).toMatch(/^#c\d+$/);
    expect(STYLE.text).not.toMatch(/url\(|@import|<\//);
  });

  test('has no element and no attribute that data made', () => {
    const hostile = hostileReport();
    let number = 0;
    const harmless = withTexts(hostile, (text) => (text === '' ? '' : `x${(number += 1)}`)) as DriftReport;
    const [one, other] = [pageOf(hostile, 1e9), pageOf(harmless, 1e9)];
    expect(one.comments).toEqual([]);
    expect(shapeOf(one)).toEqual(shapeOf(other));
    expect(shapeOf(one).get('details')).toBeGreaterThan(HOSTILE_TEXTS.length);
  });

  test.each(HOSTILE_TEXTS.filter((text) => text !== ''))('shows the name %j as it is', (text) => {
    const names = all(pageOf(reportOf([columnOf(text)])), 'code').map(textOf);
    expect(names).toContain(printable(cut(text, 120)).replaceAll(/\p{Noncharacter_Code_Point}/gu, '\ufffd'));
  });

  test('takes any text anywhere', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const report = withTexts(paymentsReport(), () => text) as DriftReport;
        const page = pageOf(report);
        expect(page.errors).toEqual([]);
        expect(page.comments).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  test('leads from each line of the table to its column, and every target exists once', () => {
    const page = pageOf(paymentsReport());
    const ids = page.elements.map((element) => attributeOf(element, 'id')).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    const links = all(page, 'a');
    expect(links.map((link) => textOf(link))).toEqual([
      'merchant_id',
      'zip',
      'amount',
      'country',
      'age',
      'device_os',
      'created_at',
      'channel',
    ]);
    for (const link of links) {
      const body = page.elements.find(
        (element) => `#${attributeOf(element, 'id')}` === attributeOf(link, 'href'),
      );
      const section = body?.parentNode;
      expect(section && textOf(section)).toContain(textOf(link));
    }
  });

  test('opens the worst columns that have charts, and leaves the others folded', () => {
    const sections = all(pageOf(paymentsReport()), 'details').filter(
      (each) => attributeOf(each, 'class') !== 'more',
    );
    const opened = sections
      .filter((section) => attributeOf(section, 'open') !== undefined)
      .map((section) => textOf(within(section, 'code')[0] ?? section));
    expect(opened).toEqual(['amount', 'country', 'age', 'created_at']);
    expect(sections).toHaveLength(17);
  });

  test('says the verdict in its title, heading and first lines', () => {
    const page = pageOf(paymentsReport());
    expect(all(page, 'title').map(textOf)[0]).toBe('Drift: critical – data/2026-11-23.parquet');
    expect(textOf(only(page, 'h1'))).toBe('Drift: critical 7 of 17 columns drifted');
    const report = reportOf([columnOf('x', { verdict: 'inconclusive' }), columnOf('y')]);
    expect(textOf(only(pageOf(report), 'h1'))).toBe('Inconclusive Too few rows to tell for 1 of 2 columns');
  });
});

describe('checks of whole rows', () => {
  const report = paymentsReport({ performance: performanceOf(), multivariate: multivariateOf() });

  test('have sections of their own, with intervals and what drives them', () => {
    const page = pageOf(report);
    expect(page.errors).toEqual([]);
    const headings = all(page, 'h2').map(textOf);
    expect(headings).toContain('Performance');
    expect(headings).toContain('All columns together');
    const accuracy = all(page, 'tr').map((row) => [...within(row, 'th'), ...within(row, 'td')].map(textOf));
    expect(accuracy).toContainEqual([
      'accuracy',
      'high',
      '0.941 (0.932 to 0.95)',
      '0.878 (0.855 to 0.901)',
      '-0.063 (-0.088 to -0.038)',
      '0.02 / 0.05 / 0.1',
      '',
    ]);
    expect(all(page, 'p').map(textOf)).toContain(
      'medium Domain classifier: AUC 0.81 (0.78 to 0.84), p 1e-9AUC lost without: amount (0.2), age (0.05)',
    );
    expect(textOf(only(page, 'h1'))).toBe(
      'Drift: critical 7 of 17 columns drifted, performance is worse, rows as a whole changed',
    );
  });

  test('have no element that data made', () => {
    const texts = (other: (text: string) => string) => withTexts(report, other) as DriftReport;
    const [one, another] = [pageOf(texts(() => '<b>"\'&')), pageOf(texts(() => 'x'))];
    expect(shapeOf(one)).toEqual(shapeOf(another));
  });
});

describe('people who do not see it', () => {
  const page = pageOf(paymentsReport());

  test('hear what each picture shows, and nothing of those that repeat numbers', () => {
    const pictures = all(page, 'svg');
    expect(pictures.length).toBeGreaterThan(15);
    for (const picture of pictures) {
      const hidden = attributeOf(picture, 'aria-hidden') === 'true';
      const [title] = within(picture, 'title');
      if (!hidden) expect(attributeOf(picture, 'role')).toBe('img');
      expect(hidden || (title !== undefined && textOf(title).length > 20)).toBe(true);
    }
    const titles = all(page, 'svg')
      .flatMap((each) => within(each, 'title'))
      .map(textOf);
    expect(titles[0]).toMatch(
      /^Histogram, 3,000 reference and 812 current values; at or below [\d.]+: \d\d % before, \d\d % now$/,
    );
  });

  test('know which column and row a cell belongs to', () => {
    for (const table of all(page, 'table')) {
      for (const row of within(table, 'tr')) {
        const heads = within(row, 'th');
        expect(heads.length).toBeGreaterThan(0);
        for (const head of heads) expect(attributeOf(head, 'scope')).toMatch(/^(col|row)$/);
      }
    }
  });

  test('are told the language, and can scroll what is wider than the screen', () => {
    expect(attributeOf(only(page, 'html'), 'lang')).toBe('en');
    const regions = page.elements.filter((element) => attributeOf(element, 'class') === 'scroll');
    expect(regions.length).toBeGreaterThan(3);
    for (const region of regions) {
      expect(attributeOf(region, 'tabindex')).toBe('0');
      expect(attributeOf(region, 'aria-label')).not.toBe('');
    }
  });

  test('see enough contrast, in the light and in the dark', () => {
    const variables = [...STYLE.text.matchAll(/:root\{([^}]*)\}/g)].map(
      ([, text = '']) =>
        new Map(
          [...text.matchAll(/--([a-z]+):(#[0-9a-f]+)/g)].map(([, name = '', colour = '']) => [name, colour]),
        ),
    );
    expect(variables).toHaveLength(2);
    for (const colours of variables) {
      const of = (name: string): string => colours.get(name) ?? 'none';
      for (const background of ['bg', 'card']) {
        for (const text of ['text', 'muted', 'link']) {
          expect(contrast(of(text), of(background)), `${text} on ${background}`).toBeGreaterThanOrEqual(4.5);
        }
      }
      for (const graph of ['ref', 'cur', 'mark'])
        expect(contrast(of(graph), of('bg'))).toBeGreaterThanOrEqual(3);
    }
    const chips = [...STYLE.text.matchAll(/^\.(?:critical|inconclusive)\{.*$/gm)]
      .join('')
      .matchAll(/background:(#\w+)/g);
    const backgrounds = [...chips].map(([, colour = '']) => colour);
    expect(backgrounds).toHaveLength(8);
    for (const colour of backgrounds) expect(contrast('#ffffff', colour), colour).toBeGreaterThanOrEqual(4.5);
  });
});

/** WCAG 2, "contrast ratio". */
function contrast(one: string, other: string): number {
  const luminance = (colour: string): number => {
    const hex = colour.length === 4 ? colour.replaceAll(/[0-9a-f]/g, '$&$&') : colour;
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe('the size', () => {
  const numbers = normalSample(400, { mean: 0, sd: 1, seed: 7 });
  const categories = (index: number) =>
    Array.from({ length: 20 }, (_, place): [string, number, number] => [
      `category ${place} of ${index}`,
      50 + place,
      90 - place,
    ]);
  const drawn = Array.from({ length: 30 }, (_, index) =>
    index % 3 === 0
      ? categoricalColumn('', categories(index))
      : numericColumn('', { reference: numbers, current: numbers.map((value) => value + index / 30) }),
  );
  const wide = (count: number): ColumnReport[] =>
    Array.from({ length: count }, (_, index) => ({
      ...(drawn[index % drawn.length] ?? columnOf('')),
      column: `column_${index}`,
    }));

  test('of 300 columns is below 2 MB, with the charts of each of them', () => {
    const html = htmlReport(reportOf(wide(300)), OPTIONS);
    expect(Buffer.byteLength(html)).toBeLessThan(2_000_000);
    const page = parsedPage(html);
    expect(all(page, 'figure')).toHaveLength(400);
    expect(all(page, 'table').filter((table) => attributeOf(table, 'class') === 'bars')).toHaveLength(100);
    expect(html).not.toContain('left out to keep this page small');
  });

  test.each([300, 3000])('of %i columns with long hostile names and values is below 2 MB too', (count) => {
    const long = '<&"'.repeat(70);
    const columns = drawn.map(
      (column) => withTexts(column, (text, key) => (key === 'column' ? text : long)) as ColumnReport,
    );
    const many = Array.from({ length: count }, (_, index) => {
      const column = columns[index % columns.length] ?? columnOf('x');
      return { ...column, column: `${index}${long}`, notes: [long, long] };
    });
    const html = htmlReport(reportOf(many, { notes: Array(500).fill(long) }), OPTIONS);
    expect(Buffer.byteLength(html)).toBeLessThan(2_000_000);
    expect(parsedPage(html).errors).toEqual([]);
    expect(html).toContain('left out to keep this page small; the JSON report has them');
  });

  test('takes charts from the least severe columns first', () => {
    const html = htmlReport(reportOf(wide(60)), { ...OPTIONS, maxBytes: 150_000 });
    const sections = all(parsedPage(html), 'details').filter((each) => attributeOf(each, 'class') !== 'more');
    const pictured = sections.map((section) => within(section, 'svg').length > 0);
    expect(pictured[0]).toBe(true);
    expect(pictured).toContain(false);
    // A smaller one may still fit where a larger one did not.
    expect(pictured.lastIndexOf(true)).toBeLessThan(pictured.indexOf(false) + 3);
  });
});

describe('the charts', () => {
  // From 2^53 on the next whole number may be the same double.
  test.each([
    [1e16, 1e16 + 2],
    [1e300, 1e300 * (1 + 2 ** -52)],
    [-1e16, -1e16 + 2],
    [-Number.MAX_VALUE, Number.MAX_VALUE],
    [0, 5e-324],
  ])('end, and have an axis, for numbers from %d to %d', (low, high) => {
    const numbers = Array.from({ length: 100 }, (_, index) => (index < 50 ? low : high));
    const page = pageOf(reportOf([numericColumn('x', { reference: numbers, current: numbers })]));
    expect(page.errors).toEqual([]);
    const labels = all(page, 'text').filter((text) => attributeOf(text, 'class') === undefined);
    expect(labels.length).toBeLessThanOrEqual(2 * 8);
  });

  test('have finite places within the picture, whatever the numbers are', () => {
    fc.assert(
      fc.property(anyReport, (report) => {
        const page = pageOf(report);
        expect(page.errors).toEqual([]);
        for (const { tagName, attrs, parentNode } of page.elements) {
          const inFigure = parentNode && 'tagName' in parentNode && parentNode.tagName === 'svg';
          for (const { name, value } of inFigure ? attrs : []) {
            if (name === 'd') expect(value).toMatch(/^[MLHVhvz\d\s-]*$/);
            if (['x', 'y', 'width', 'height'].includes(name)) expect(Number(value)).toBeGreaterThanOrEqual(0);
          }
          if (tagName === 'path')
            expect(placesOutside(attrs.find(({ name }) => name === 'd')?.value ?? '')).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('draw as many steps as there are bins, and both curves', () => {
    const numbers = normalSample(2000, { mean: 0, sd: 1, seed: 3 });
    const report = reportOf([
      numericColumn('x', { reference: numbers, current: numbers.map((value) => value + 1) }),
    ]);
    const paths = all(pageOf(report), 'path').map((path) => ({
      kind: attributeOf(path, 'class') ?? '',
      steps: (attributeOf(path, 'd') ?? '').split(/[HL]/).length - 1,
    }));
    expect(paths.filter(({ kind, steps }) => /^[rc]$/.test(kind) && steps === 40)).toHaveLength(2);
    expect(paths.filter(({ kind, steps }) => /^l [rc]$/.test(kind) && steps > 40)).toHaveLength(2);
    expect(paths.filter(({ kind }) => kind === 'm')).toHaveLength(1);
  });

  test('mark round numbers on the axis of numbers, and days on that of times', () => {
    const at = (from: number, width: number, type: ColumnReport['type']) => {
      const numbers = Array.from({ length: 1001 }, (_, index) => from + (index / 1000) * width);
      const column = numericColumn('x', { reference: numbers, current: numbers });
      return all(pageOf(reportOf([{ ...column, type }])), 'text')
        .filter((text) => attributeOf(text, 'class') === undefined)
        .map(textOf);
    };
    expect(at(0, 10, 'numeric').slice(0, 6)).toEqual(['2', '4', '6', '8', '2', '4']);
    expect(at(-0.35, 0.7, 'numeric').slice(0, 7)).toEqual(['-0.3', '-0.2', '-0.1', '0', '0.1', '0.2', '0.3']);
    expect(at(Date.UTC(2026, 0, 1), 400 * 86_400_000, 'datetime').slice(0, 2)).toEqual([
      '2026-01-01',
      '2027-02-04',
    ]);
  });
});

/** Numbers of a path of a figure that lie outside of its 360 x 140 units. */
function placesOutside(path: string): number[] {
  return [...path.matchAll(/-?\d+/g)].map(Number).filter((place) => place < -100 || place > 360);
}
