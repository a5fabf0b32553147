import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatOfFile, renderReport, DOCUMENT_FORMATS } from '../../../../src/core/drift/formats/format.ts';
import { jsonReport } from '../../../../src/core/drift/formats/json.ts';
import { DriftReport } from '../../../../src/core/drift/report.ts';
import { canonicalJson } from '../../../../src/lib/canonical-json.ts';
import { anyReport } from '../support/hostile-numbers.ts';
import { reportOf } from '../support/report-fixtures.ts';
import { hostileReport, paymentsReport, stableReport } from '../support/scenarios.ts';

const SCHEMA = JSON.parse(
  readFileSync(new URL('../../../../docs/drift-report.schema.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;

/** The published schema with every object closed: then a member that it does not describe is found too. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).map(([key, value]) => [key, closed(value)]);
  const isObject = (schema as Record<string, unknown>)['type'] === 'object';
  return { ...Object.fromEntries(members), ...(isObject ? { additionalProperties: false } : {}) };
}

const ajv = new Ajv2020({ strict: true, allErrors: true });
const validate = ajv.compile(SCHEMA);
const validateClosed = ajv.compile(closed(SCHEMA) as Record<string, unknown>);

const problemsOf = (value: unknown): unknown[] => {
  validateClosed(value);
  return [...(validateClosed.errors ?? [])];
};

describe('the JSON report', () => {
  test.each([
    ['of payments', paymentsReport()],
    ['of stable data', stableReport(4)],
    ['of hostile data', hostileReport()],
    ['without columns', reportOf([])],
  ])('%s is what the published schema describes, member for member', (_name, report) => {
    expect(problemsOf(JSON.parse(jsonReport(report)))).toEqual([]);
  });

  test('of anything that this program reads is valid, canonical and comes back as it was', () => {
    fc.assert(
      fc.property(anyReport, (report) => {
        const text = jsonReport(report);
        const value = JSON.parse(text) as unknown;
        expect(problemsOf(value)).toEqual([]);
        expect(canonicalJson(value as Parameters<typeof canonicalJson>[0])).toBe(text);
        expect(jsonReport(DriftReport.parse(value))).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  test.each([Number.NaN, Infinity])('refuses to hold %d', (number) => {
    expect(() => jsonReport({ ...stableReport(1), alpha: number })).toThrow(TypeError);
  });

  test('a newer report with more members is still valid, one with other values is not', () => {
    const report = JSON.parse(jsonReport(stableReport(1))) as Record<string, unknown>;
    expect(validate({ ...report, more: 1 })).toBe(true);
    expect(validate({ ...report, severity: 'awful' })).toBe(false);
    expect(validate({ ...report, format: 'mlops.drift-report/2' })).toBe(false);
    expect(validate({ ...report, columns: undefined })).toBe(false);
  });
});

describe('formats', () => {
  test('every one makes a text of any report', async () => {
    const context = { time: new Date(0), tool: 'mlops/1' };
    await fc.assert(
      fc.asyncProperty(anyReport, fc.constantFrom(...DOCUMENT_FORMATS), async (report, format) => {
        const text = await renderReport(report, format, context);
        expect(text.endsWith('\n')).toBe(true);
        expect(text).not.toMatch(/\p{Surrogate}/u);
        if (format !== 'json') expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['report.html', 'html'],
    ['a/b.HTM', 'html'],
    ['x.json', 'json'],
    ['x.md', 'md'],
    ['junit.xml', 'junit'],
    ['mlops.prom', 'prometheus'],
    ['x.txt', undefined],
    ['json', undefined],
    ['/dev/stdout', undefined],
  ])('%s is written as %s', (path, format) => {
    expect(formatOfFile(path)).toBe(format);
  });
});
