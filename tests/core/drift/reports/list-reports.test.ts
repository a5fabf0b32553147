import { describe, expect, test } from 'vitest';
import { keepReport } from '../../../../src/core/drift/reports/keep.ts';
import { findReport, listReports } from '../../../../src/core/drift/reports/list.ts';
import { verifyReports } from '../../../../src/core/drift/reports/verify.ts';
import { reportPath } from '../../../../src/core/drift/reports/kept-report.ts';
import { loadRepositoryLog } from '../../../../src/core/audit/index.ts';
import { mayNeedArtifacts } from '../../../../src/core/repository/needed-artifacts.ts';
import { memoryRepository, type MemoryRepository } from '../../../support/memory-repository.ts';
import { columnOf, reportOf } from '../support/report-fixtures.ts';
import { paymentsReport, stableReport } from '../support/scenarios.ts';

async function withReports() {
  const repository = await memoryRepository();
  const kept = [];
  for (const [time, report] of [
    ['2026-11-20T08:00:00.000Z', stableReport(2)],
    ['2026-11-21T08:00:00.000Z', paymentsReport()],
    ['2026-11-22T08:00:00.000Z', stableReport(3)],
  ] as const) {
    repository.setTime(time);
    kept.push(await keepReport(repository, report));
  }
  const [first, second, third] = kept;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three were kept');
  return { repository, first, second, third };
}

const damage = async ({ plain }: MemoryRepository, path: string): Promise<void> => {
  const bytes = (await plain.read(path)) ?? new Uint8Array();
  await plain.write(path, Buffer.from(bytes).subarray(0, bytes.length - 5));
};

describe('the list of kept reports', () => {
  test('is newest first, with what came of each', async () => {
    const { repository, first, second, third } = await withReports();
    const { reports, problems } = await listReports(repository.documents);
    expect(problems).toEqual([]);
    expect(reports.map(({ id }) => id)).toEqual([third.id, second.id, first.id]);
    expect(reports[1]).toMatchObject({
      time: '2026-11-21T08:00:00.000Z',
      path: `.mlops/${second.path}`,
      verdict: 'drift',
      severity: 'critical',
      failed: true,
      policy: 'mlops-2',
      reference: 'fraud_detector@production',
      current: 'data/2026-11-23.parquet',
      rows: { reference: 3000, current: 812 },
    });
  });

  test('is the same from the index, from other files and without one', async () => {
    const { repository } = await withReports();
    const once = await listReports(repository.documents);
    expect(await listReports(repository.documents)).toEqual(once);
    expect(await listReports(repository.documents, { fresh: true })).toEqual(once);
  });

  test('keeps the sound ones where others are damaged, and names those', async () => {
    const { repository, first, second, third } = await withReports();
    await damage(repository, second.path);
    await repository.plain.write('reports/drift/notes.json', Buffer.from('{}\n'));
    const { reports, problems } = await listReports(repository.documents);
    expect(reports.map(({ id }) => id)).toEqual([third.id, first.id]);
    expect(problems.map(({ path, error }) => [path, error.exitCode])).toEqual([
      [`.mlops/${second.path}`, 3],
      ['.mlops/reports/drift/notes.json', 3],
    ]);
  });

  test('is empty where nothing was kept', async () => {
    expect(await listReports((await memoryRepository()).documents)).toEqual({ reports: [], problems: [] });
  });
});

describe('finding a report', () => {
  test('takes its id, the start of it, its digits, latest and those before it', async () => {
    const { repository, first, second, third } = await withReports();
    const find = async (name: string): Promise<string> => (await findReport(repository.documents, name)).id;
    expect(await find(second.id)).toBe(second.id);
    expect(await find('20261121T')).toBe(second.id);
    expect(await find(second.id.slice(-16, -8))).toBe(second.id);
    expect(await find(first.id.slice(-16))).toBe(first.id);
    expect(await find('latest')).toBe(third.id);
    expect(await find('latest~0')).toBe(third.id);
    expect(await find('latest~2')).toBe(first.id);
  });

  test('gives the report that was kept', async () => {
    const { repository, second } = await withReports();
    const found = await findReport(repository.documents, second.id);
    expect(found).toMatchObject({ time: '2026-11-21T08:00:00.000Z', path: `.mlops/${second.path}` });
    expect(found.report).toEqual(paymentsReport());
  });

  test.each([
    ['latest~3', 'REPORT_NOT_FOUND', 'there is no latest~3: only 3 reports are kept'],
    ['latest~999999', 'REPORT_NOT_FOUND', 'only 3 reports'],
    ['2026', 'REPORT_AMBIGUOUS', '3 kept reports start with "2026"'],
    ['202', 'REPORT_NOT_FOUND', 'no kept drift report is called "202"'],
    ['', 'REPORT_NOT_FOUND', 'no kept drift report is called ""'],
    ['../../config', 'REPORT_NOT_FOUND', '"../../config"'],
    ['\u001b[2J', 'REPORT_NOT_FOUND', '"\\x1b[2J"'],
  ])('of %j is %s, with what there is', async (name, code, message) => {
    const { repository } = await withReports();
    await expect(findReport(repository.documents, name)).rejects.toMatchObject({
      code,
      exitCode: 2,
      message: expect.stringContaining(message),
      hint: expect.stringMatching(/20261122T|mlops reports list/),
    });
  });

  test('in an empty repository says how to keep one', async () => {
    await expect(findReport((await memoryRepository()).documents, 'latest')).rejects.toMatchObject({
      message: 'no drift report is kept in this repository',
      hint: expect.stringContaining('--save'),
    });
  });

  test('leaves a damaged file alone unless that is the one', async () => {
    const { repository, first, second } = await withReports();
    await damage(repository, second.path);
    expect((await findReport(repository.documents, first.id)).id).toBe(first.id);
    await expect(findReport(repository.documents, second.id)).rejects.toMatchObject({ exitCode: 3 });
  });
});

describe('verifying reports', () => {
  const verified = async ({ documents }: MemoryRepository) =>
    verifyReports(documents, await loadRepositoryLog(documents, { fresh: true }));

  test('finds nothing where nothing is wrong', async () => {
    const { repository } = await withReports();
    expect(await verified(repository)).toEqual({ reports: 3, damage: [], notices: [] });
  });

  test('names a damaged report, and counts the others', async () => {
    const { repository, second } = await withReports();
    await damage(repository, second.path);
    const { reports, damage: found, notices } = await verified(repository);
    expect(reports).toBe(2);
    expect(found).toEqual([
      { path: `.mlops/${second.path}`, digest: null, problem: expect.stringContaining(second.id) },
    ]);
    expect(notices).toEqual([]);
  });

  test('knows a report that was removed, and one that no event speaks of, as worth a notice', async () => {
    const { repository, first } = await withReports();
    await repository.plain.remove(first.path);
    const other = await withReports();
    other.repository.setTime('2026-12-01T00:00:00.000Z');
    const stranger = await keepReport(other.repository, reportOf([columnOf('z')]));
    await repository.plain.write(
      stranger.path,
      (await other.repository.plain.read(stranger.path)) ?? new Uint8Array(),
    );
    const { damage: found, notices } = await verified(repository);
    expect(found).toEqual([]);
    expect(notices).toEqual([
      expect.stringContaining(`.mlops/${stranger.path}: no event says that it was kept`),
      `.mlops/${first.path} was kept once and is gone; its event stays`,
    ]);
  });

  test('finds a report whose time was changed by renaming it', async () => {
    const { repository, first } = await withReports();
    const bytes = (await repository.plain.read(first.path)) ?? new Uint8Array();
    await repository.plain.remove(first.path);
    await repository.plain.write(reportPath(first.id.replace('20261120', '20251120')), bytes);
    expect((await verified(repository)).notices).toHaveLength(2);
  });
});

test('nothing in a report keeps an artifact', () => {
  expect(mayNeedArtifacts('reports/drift')).toBe(false);
  expect(mayNeedArtifacts('reports/drift/x.json')).toBe(false);
  expect(mayNeedArtifacts('reports/other.json')).toBe(true);
});
