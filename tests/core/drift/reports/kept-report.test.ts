import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonReport } from '../../../../src/core/drift/formats/json.ts';
import { DriftReport } from '../../../../src/core/drift/report.ts';
import { keepReport } from '../../../../src/core/drift/reports/keep.ts';
import {
  encodeReport,
  isReportId,
  parseReport,
  reportPath,
  timeOfReport,
} from '../../../../src/core/drift/reports/kept-report.ts';
import { loadRepositoryLog } from '../../../../src/core/audit/index.ts';
import { digestOf } from '../../../../src/core/repository/digest.ts';
import { canonicalJson, type JsonValue } from '../../../../src/lib/canonical-json.ts';
import { documentsOf, memoryRepository } from '../../../support/memory-repository.ts';
import { anyReport } from '../support/hostile-numbers.ts';
import { categoricalColumn, columnOf, reportOf } from '../support/report-fixtures.ts';
import { hostileReport, paymentsReport, stableReport } from '../support/scenarios.ts';

const TIME = new Date('2026-11-23T10:15:00.123Z');

describe('keeping a report', () => {
  test('writes the report as it is printed as JSON, and an event that has its digest as evidence', async () => {
    const repository = await memoryRepository();
    const report = paymentsReport();
    const { id, path, digest, event, written, simplified } = await keepReport(repository, report);
    const bytes = (await repository.documents.read(path)) ?? new Uint8Array();
    expect(Buffer.from(bytes).toString()).toBe(jsonReport(report));
    expect(digest).toBe(digestOf(bytes));
    expect(id).toMatch(/^20260101T0000000\d\dZ-[0-9a-f]{16}$/);
    expect(path).toBe(`reports/drift/${id}.json`);
    expect(simplified).toBe(0);
    const log = await loadRepositoryLog(repository.documents);
    expect(log.newestFirst).toEqual([
      expect.objectContaining({
        id: event,
        type: 'drift-checked',
        subject: { report: id },
        evidence: [{ type: 'drift-report', digest }],
        parents: [],
      }),
    ]);
    expect(written).toEqual([`.mlops/${path}`, expect.stringMatching(/^\.mlops\/events\/.*-drift-checked-/)]);
  });

  test('follows the events that were there, and says why when it is told', async () => {
    const repository = await memoryRepository();
    const first = await keepReport(repository, stableReport(1));
    const second = await keepReport(repository, stableReport(1), { reason: 'nightly' });
    const log = await loadRepositoryLog(repository.documents);
    expect(log.newestFirst.map(({ id, parents, reason }) => ({ id, parents, reason }))).toEqual([
      { id: second.event, parents: [first.event], reason: 'nightly' },
      { id: first.event, parents: [], reason: undefined },
    ]);
  });

  test('leaves nothing behind when the event can not be written', async () => {
    const repository = await memoryRepository({
      wrap: (documents) => ({
        ...documents,
        create: async (path, bytes, options) => {
          if (path.startsWith('events/')) throw new Error('the disk is gone');
          return documents.create(path, bytes, options);
        },
      }),
    });
    await expect(keepReport(repository, stableReport(1))).rejects.toThrow('the disk is gone');
    const paths = [...(await documentsOf(repository.plain)).keys()];
    expect(paths.filter((path) => /^(reports|events)\//.test(path))).toEqual([]);
  });

  test('is refused where the repository needs a newer program', async () => {
    const repository = await memoryRepository({ unknownFeatures: ['future'] });
    await expect(keepReport(repository, stableReport(1))).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
    });
  });

  test('of more columns than a document may hold leaves the charts of the least severe out, and says so', () => {
    const categories = Array.from({ length: 20 }, (_, index): [string, number, number] => [
      'x'.repeat(190) + index,
      5,
      5,
    ]);
    const drawn = categoricalColumn('c', categories);
    const columns = Array.from({ length: 900 }, (_, index) => ({
      ...drawn,
      column: `c${index}`,
      severity: index === 450 ? ('critical' as const) : ('none' as const),
    }));
    const { bytes, simplified } = encodeReport(reportOf(columns), TIME);
    expect(bytes.length).toBeLessThanOrEqual(10 * 1024 * 1024);
    const kept = DriftReport.parse(JSON.parse(Buffer.from(bytes).toString()));
    const plain = kept.columns.filter(({ categories: found }) => found?.bars.length === 0);
    expect(plain).toHaveLength(simplified);
    expect(simplified).toBeGreaterThan(0);
    expect(plain.map(({ column }) => column)).not.toContain('c450');
    expect(kept.notes.at(-1)).toBe(
      `kept without the charts of ${simplified} columns, as the report would be larger than 10 MiB`,
    );
  });

  test('that is too large even so is refused with the way out', () => {
    const columns = Array.from({ length: 200 }, (_, index) =>
      columnOf(`c${index}`, { notes: ['x'.repeat(60_000)] }),
    );
    expect(() => encodeReport(reportOf(columns), TIME)).toThrow(
      expect.objectContaining({
        code: 'LIMIT_EXCEEDED',
        exitCode: 2,
        hint: expect.stringContaining('--columns'),
      }),
    );
  });
});

describe('reading a kept report', () => {
  const { id, bytes } = encodeReport(paymentsReport(), TIME);
  const name = `${id}.json`;
  const changed = (change: (report: Record<string, unknown>) => Record<string, unknown>) => {
    const report = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
    const text = canonicalJson(change(report) as JsonValue);
    return { bytes: Buffer.from(text), name: `20261123T101500123Z-${digestOf(text).slice(7, 23)}.json` };
  };

  test('gives what was written, hostile names among it', () => {
    expect(parseReport(bytes, name)).toEqual(paymentsReport());
    const hostile = encodeReport(hostileReport(), TIME);
    expect(parseReport(hostile.bytes, `${hostile.id}.json`)).toEqual(hostileReport());
  });

  test('works for anything that the schema allows', () => {
    fc.assert(
      fc.property(anyReport, (report) => {
        const encoded = encodeReport(report, TIME);
        const read = parseReport(encoded.bytes, `${encoded.id}.json`);
        expect(jsonReport(read)).toBe(jsonReport(report));
      }),
      { numRuns: 30 },
    );
  });

  test('keeps to itself what it does not know', () => {
    const newer = changed((report) => ({ ...report, later: { x: 1 } }));
    expect(parseReport(newer.bytes, newer.name)).toEqual(paymentsReport());
  });

  test('of a newer kind says that a newer program is needed, not that it is damaged', () => {
    const newer = changed((report) => ({ ...report, format: 'mlops.drift-report/2' }));
    expect(() => parseReport(newer.bytes, newer.name)).toThrow(
      expect.objectContaining({ code: 'FORMAT_UNSUPPORTED', exitCode: 2 }),
    );
  });

  test.each([
    [
      'a changed byte',
      () => ({
        bytes: Buffer.from(Buffer.from(bytes).toString().replace('"alpha": 0.01', '"alpha": 0.05')),
        name,
      }),
    ],
    ['another name', () => ({ bytes, name: `20261123T101500123Z-${'0'.repeat(16)}.json` })],
    ['no report name', () => ({ bytes, name: 'report.json' })],
    ['a time that is none', () => ({ bytes, name: name.replace('20261123', '20261399') })],
    ['half a file', () => ({ bytes: bytes.subarray(0, 2000), name })],
    ['no JSON', () => ({ bytes: Buffer.from('\u0000\u0001'), name })],
    [
      'not canonical',
      () => ({ bytes: Buffer.from(JSON.stringify(JSON.parse(Buffer.from(bytes).toString()))), name }),
    ],
    [
      'a value of another type',
      () => changed((report) => ({ ...report, rows: { reference: '1', current: 2 } })),
    ],
    ['no columns', () => changed(({ columns: _columns, ...report }) => report)],
    [
      'a key that reaches a prototype',
      () => ({ bytes: Buffer.from(Buffer.from(bytes).toString().replace('"alpha"', '"__proto__"')), name }),
    ],
    [
      'a number beyond doubles',
      () => ({
        bytes: Buffer.from(Buffer.from(bytes).toString().replace('"alpha": 0.01', '"alpha": 1e999')),
        name,
      }),
    ],
  ])('with %s is damage (exit 3) that names the file', (_what, make) => {
    const file = make();
    expect(() => parseReport(file.bytes, file.name)).toThrow(
      expect.objectContaining({
        exitCode: 3,
        message: expect.stringContaining(`.mlops/reports/drift/${file.name}`),
      }),
    );
  });

  test('with the marks of a merge is a conflict', () => {
    expect(() => parseReport(Buffer.from('<<<<<<< HEAD\n'), name)).toThrow(
      expect.objectContaining({ code: 'MERGE_CONFLICT', exitCode: 5 }),
    );
  });

  test('ids tell when', () => {
    expect(isReportId(id)).toBe(true);
    expect(timeOfReport(id)).toBe('2026-11-23T10:15:00.123Z');
    expect(reportPath(id)).toBe(`reports/drift/${id}.json`);
    for (const other of ['', 'latest', `${id}x`, `../${id}`, id.toUpperCase()])
      expect(isReportId(other)).toBe(false);
  });
});
