import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { junitReport } from '../../../../src/core/drift/formats/junit.ts';
import { printable } from '../../../../src/lib/terminal-text.ts';
import { columnOf, reportOf } from '../support/report-fixtures.ts';
import { multivariateOf, performanceOf } from '../support/row-sections.ts';
import { HOSTILE_TEXTS, hostileReport, paymentsReport, stableReport } from '../support/scenarios.ts';

interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  text: string;
}

/** A strict reading of XML 1.0: throws at the first character that has no place in it. */
function parsedXml(xml: string): XmlElement {
  const root: XmlElement = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const parser = new SaxesParser({ defaultXMLVersion: '1.0', forceXMLVersion: true });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const plain = Object.entries(attributes).map(([key, value]) => [key, String(value)]);
    const element = { name, attributes: Object.fromEntries(plain), children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  });
  parser.write(xml).close();
  const [document] = root.children;
  if (document === undefined) throw new Error('no root element');
  return document;
}

const named = (element: XmlElement, name: string): XmlElement[] =>
  element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...named(child, name)]);

describe('the JUnit report', () => {
  test('has a case a column, failures from the limit on, and skips what has no answer', () => {
    const document = parsedXml(junitReport(paymentsReport()));
    const cases = named(document, 'testcase');
    expect(cases).toHaveLength(17);
    const outcomes = cases.map(
      ({ attributes, children }) => `${attributes['name']}: ${children[0]?.name ?? 'ok'}`,
    );
    expect(outcomes.slice(0, 11)).toEqual([
      'merchant_id: failure',
      'zip: failure',
      'amount: failure',
      'country: failure',
      'age: failure',
      'device_os: failure',
      'created_at: failure',
      'channel: system-out',
      'comment: skipped',
      'payload: skipped',
      'hour: ok',
    ]);
    const [amount] = named(cases[2] ?? document, 'failure');
    expect(amount?.attributes).toMatchObject({
      type: 'critical',
      message: expect.stringContaining('3.2 % above'),
    });
    expect(amount?.text).toContain('distribution: critical, D 0.4');
    expect(amount?.text).toContain('; ks limit, p=3e-12, q=2e-11\nabove-range: medium, 3.2 %');
  });

  test.each([
    ['medium', 7],
    ['high', 4],
    ['critical', 3],
    ['low', 8],
  ] as const)('counts what it holds, with the limit at %s', (failOn, failures) => {
    const document = parsedXml(junitReport(paymentsReport({ failOn })));
    for (const element of [document, ...named(document, 'testsuite')]) {
      expect(element.attributes).toMatchObject({
        tests: String(named(element, 'testcase').length),
        failures: String(failures),
        skipped: '2',
        errors: '0',
      });
    }
    expect(named(document, 'failure')).toHaveLength(failures);
    expect(named(document, 'skipped')).toHaveLength(2);
  });

  test('has a case for each check of whole rows', () => {
    const report = paymentsReport({ performance: performanceOf(), multivariate: multivariateOf() });
    const cases = named(parsedXml(junitReport(report)), 'testcase').filter(
      ({ attributes }) => attributes['classname'] === 'drift.rows',
    );
    expect(
      cases.map(({ attributes, children }) => `${attributes['name']}: ${children[0]?.name}`).toSorted(),
    ).toEqual([
      'all columns: domain classifier: failure',
      'all columns: principal components: system-out',
      'performance: AUC: system-out',
      'performance: F1: skipped',
      'performance: accuracy: failure',
    ]);
  });

  test('fails what has no answer where that made the check fail', () => {
    const columns = [columnOf('x', { verdict: 'inconclusive' }), columnOf('y')];
    const of = (failed: boolean) =>
      named(parsedXml(junitReport(reportOf(columns, { failed }))), 'failure').length;
    expect([of(true), of(false)]).toEqual([1, 0]);
  });

  test('says in its properties what was compared and by which rules', () => {
    const properties = named(parsedXml(junitReport(stableReport(1))), 'property').map(
      ({ attributes }) => attributes,
    );
    expect(properties).toContainEqual({ name: 'verdict', value: 'stable' });
    expect(properties).toContainEqual({ name: 'currentRows', value: '812' });
    expect(properties).toContainEqual({
      name: 'rules',
      value: 'policy mlops-2, alpha 0.01, fail-on medium: passed',
    });
  });

  test('is XML 1.0 whatever the data hold, and nothing in it becomes an element', () => {
    const document = parsedXml(junitReport(hostileReport()));
    const names = new Set(
      named({ name: '', attributes: {}, children: [document], text: '' }, 'testcase').flatMap(
        ({ children }) => children.map(({ name }) => name),
      ),
    );
    expect([...names].toSorted()).toEqual(['failure', 'skipped']);
    expect(named(document, 'testcase')).toHaveLength(2 * HOSTILE_TEXTS.length);
  });

  test.each(HOSTILE_TEXTS.filter((text) => text !== '' && text.length < 500))(
    '%j is the name of its case',
    (text) => {
      const [found] = named(parsedXml(junitReport(reportOf([columnOf(text)]))), 'testcase');
      expect(found?.attributes['name']).toBe(
        printable(text).replaceAll(/\p{Noncharacter_Code_Point}/gu, '\ufffd'),
      );
    },
  );
});
