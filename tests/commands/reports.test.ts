import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keepReport, type KeptReport } from '../../src/core/drift/reports/keep.ts';
import type { DriftReport } from '../../src/core/drift/report.ts';
import { checkOf, columnOf, effectOf, reportOf } from '../core/drift/support/report-fixtures.ts';
import {
  HOSTILE_TEXTS,
  hostileReport,
  paymentsReport,
  stableReport,
} from '../core/drift/support/scenarios.ts';
import { documentsOf, memoryRepository } from '../support/memory-repository.ts';
import { registryRepo, type RegistryRepo } from '../support/registry-repo.ts';

interface Scene {
  repo: RegistryRepo;
  kept: KeptReport[];
}

/** A repository with these reports kept on successive days, committed as an earlier command left them. */
async function kept(...reports: DriftReport[]): Promise<Scene> {
  const repo = await registryRepo();
  const memory = await memoryRepository();
  const written: KeptReport[] = [];
  for (const [day, report] of reports.entries()) {
    memory.setTime(`2026-11-2${day}T08:00:00.000Z`);
    written.push(await keepReport(memory, report));
  }
  for (const [path, bytes] of await documentsOf(memory.plain)) {
    if (/^(reports|events)\//.test(path)) await repo.write(`.mlops/${path}`, bytes);
  }
  await repo.git('add', '.mlops');
  await repo.git('commit', '--quiet', '--allow-empty', '-m', 'Keep reports');
  return { repo, kept: written };
}

const PAYMENTS = paymentsReport();
const STABLE = stableReport(2);

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
}

describe('mlops reports list', () => {
  test('shows the newest first: when, verdict, severity and how many columns drifted', async () => {
    const { repo, kept: written } = await kept(STABLE, PAYMENTS);
    const { stdout, code } = await repo.run('reports', 'list');
    const [header = '', ...rows] = stdout.trimEnd().split('\n');
    expect(code).toBe(0);
    expect(header.split(/ {2,}/)).toEqual([
      'REPORT',
      'TIME',
      'VERDICT',
      'SEVERITY',
      'DRIFTED',
      'REFERENCE',
      'CURRENT',
    ]);
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      [
        at(written, 1).id.slice(-16, -8),
        '2026-11-21T08:00:00.000Z',
        'drift',
        'critical',
        '7 of 17',
        'fraud_detector@production',
        'data/2026-11-23.parquet',
      ],
      [
        at(written, 0).id.slice(-16, -8),
        '2026-11-20T08:00:00.000Z',
        'stable',
        'none',
        '0 of 2',
        'train.csv',
        'today.csv',
      ],
    ]);
  });

  test('as JSON has these keys', async () => {
    const { repo, kept: written } = await kept(PAYMENTS);
    expect(await repo.json('reports', 'list')).toEqual({
      reports: [
        {
          id: at(written, 0).id,
          time: '2026-11-20T08:00:00.000Z',
          path: `.mlops/${at(written, 0).path}`,
          verdict: 'drift',
          severity: 'critical',
          failed: true,
          policy: 'mlops-2',
          columns: 17,
          drifted: 7,
          reference: 'fraud_detector@production',
          current: 'data/2026-11-23.parquet',
          rows: { reference: 3000, current: 812 },
        },
      ],
      total: 1,
      problems: [],
    });
  });

  test('says so where there are none, and how many it leaves out', async () => {
    const { repo } = await kept();
    expect(await repo.run('reports', 'list')).toEqual({
      code: 0,
      stdout: 'No drift reports are kept\n',
      stderr: '',
    });
    const more = await kept(STABLE, STABLE, STABLE);
    const limited = await more.repo.run('reports', 'list', '--limit', '1');
    expect(limited.stdout.split('\n')).toHaveLength(3);
    expect(limited.stderr).toBe('hint: 1 of 3 reports shown; raise --limit for more\n');
  });

  test('with a damaged file is exit 3, names it, and still shows the others', async () => {
    const { repo, kept: written } = await kept(STABLE, PAYMENTS);
    const path = `.mlops/${at(written, 1).path}`;
    await writeFile(join(repo.root, path), (await repo.read(path)).replace('"critical"', '"none"'));
    const { code, stdout, stderr } = await repo.run('reports', 'list');
    expect(code).toBe(3);
    expect(stdout).toContain(at(written, 0).id.slice(-16, -8));
    expect(stdout).not.toContain(at(written, 1).id.slice(-16, -8));
    expect(stderr).toContain(`warning: ${path}: its bytes or its name were changed after it was kept`);
  });

  test('is safe on a terminal whatever the files were called', async () => {
    const { repo } = await kept(hostileReport());
    const { stdout } = await repo.runWith({ tty: true, columns: 100 }, 'reports', 'list');
    expect(stdout).toContain('"><b>ref</b>\\n@octocat.csv');
  });
});

describe('mlops reports show', () => {
  test('shows the last report as a table, and one that is named', async () => {
    const { repo, kept: written } = await kept(PAYMENTS, STABLE);
    expect((await repo.run('reports', 'show')).stdout).toMatch(/^Stable {2}no drift in 2 columns\n/);
    const named = await repo.run('reports', 'show', at(written, 0).id.slice(-16, -8));
    expect(named.code).toBe(0);
    expect(named.stdout).toMatch(/^Drift \(critical\) {2}7 of 17 columns/);
    expect(named.stdout).toMatch(/^medium {8}age {10}D 0\.18 {2}down: median/m);
  });

  test('prints any format, and as JSON the report that was kept', async () => {
    const { repo, kept: written } = await kept(PAYMENTS);
    const bytes = await repo.read(`.mlops/${at(written, 0).path}`);
    expect((await repo.run('reports', 'show', '--format', 'json')).stdout).toBe(bytes);
    const starts = {
      md: '### Drift',
      html: '<!DOCTYPE html>',
      junit: '<?xml',
      github: '::error',
      prometheus: '# HELP',
    };
    for (const [format, start] of Object.entries(starts)) {
      expect((await repo.run('reports', 'show', '--format', format)).stdout.startsWith(start)).toBe(true);
    }
    const data = await repo.json('reports', 'show', 'latest');
    expect(data).toEqual({
      id: at(written, 0).id,
      time: '2026-11-20T08:00:00.000Z',
      path: `.mlops/${at(written, 0).path}`,
      report: JSON.parse(bytes),
      files: [],
    });
  });

  test('the page and the metrics carry the time of the report, not of today', async () => {
    const { repo } = await kept(PAYMENTS);
    expect((await repo.run('reports', 'show', '--format', 'html')).stdout).toContain('2026-11-20 08:00 UTC');
    const seconds = Date.parse('2026-11-20T08:00:00.000Z') / 1000;
    expect((await repo.run('reports', 'show', '--format', 'prometheus')).stdout).toContain(
      `ml_drift_last_run_timestamp_seconds ${seconds}\n`,
    );
  });

  test('writes files in the format of their ending and prints the table beside them', async () => {
    const { repo } = await kept(PAYMENTS);
    const { stdout } = await repo.run(
      'reports',
      'show',
      '--format',
      'html',
      '-o',
      'out/drift.html',
      '-o',
      'mlops.prom',
    );
    expect(stdout).toMatch(/^Drift \(critical\)/);
    expect(stdout).toMatch(/\nWrote out\/drift\.html\nWrote mlops\.prom\n$/);
    expect(await repo.read('out/drift.html')).toMatch(/^<!DOCTYPE html>/);
    expect(await repo.read('mlops.prom')).toMatch(/^# HELP ml_drift_severity/);
  });

  test('prints one format and writes another', async () => {
    const { repo } = await kept(PAYMENTS);
    const { stdout } = await repo.run('reports', 'show', '--format', 'github', '-o', 'junit.xml');
    expect(stdout).toMatch(/^::error /);
    expect(stdout).not.toContain('Wrote');
    expect(await repo.read('junit.xml')).toMatch(/^<\?xml/);
  });

  test('a file whose ending says nothing takes --format, and without one is exit 2', async () => {
    const { repo } = await kept(PAYMENTS);
    await repo.run('reports', 'show', '--format', 'md', '-o', 'summary');
    expect(await repo.read('summary')).toMatch(/^### Drift/);
    for (const options of [[], ['--format', 'table']]) {
      expect(await repo.failure('reports', 'show', ...options, '-o', 'report.txt')).toMatchObject({
        code: 'FORMAT_UNKNOWN',
        exitCode: 2,
        hint: expect.stringContaining('.html'),
      });
    }
    expect(await repo.failure('reports', 'show', '--format', 'pdf')).toMatchObject({ exitCode: 2 });
  });

  test('a file that can not be written is exit 6', async () => {
    const { repo } = await kept(PAYMENTS);
    await writeFile(join(repo.root, 'taken'), '');
    expect(await repo.failure('reports', 'show', '-o', 'taken/x.html')).toMatchObject({ exitCode: 6 });
  });

  test('adds Markdown to the summary of a step in GitHub Actions, and nothing else to it', async () => {
    const { repo } = await kept(PAYMENTS);
    const GITHUB_STEP_SUMMARY = join(repo.root, '..', 'summary.md');
    await writeFile(GITHUB_STEP_SUMMARY, 'before\n');
    await repo.runWith({ env: { GITHUB_STEP_SUMMARY } }, 'reports', 'show');
    expect(await readFile(GITHUB_STEP_SUMMARY, 'utf8')).toBe('before\n');
    const { stdout } = await repo.runWith(
      { env: { GITHUB_STEP_SUMMARY } },
      'reports',
      'show',
      '--format',
      'md',
    );
    expect(await readFile(GITHUB_STEP_SUMMARY, 'utf8')).toBe(`before\n\n\n${stdout}`);
    const env = { GITHUB_STEP_SUMMARY: join(repo.root, 'no', 'such') };
    const failed = await repo.runWith({ env }, 'reports', 'show', '--format', 'md');
    expect(failed).toMatchObject({
      code: 0,
      stdout,
      stderr: expect.stringContaining('warning: the report was not added'),
    });
  });

  test('of a damaged report is exit 3 with its path', async () => {
    const { repo, kept: written } = await kept(STABLE, PAYMENTS);
    const path = `.mlops/${at(written, 0).path}`;
    await writeFile(join(repo.root, path), '{"format": "mlops.drift-report/1"}');
    expect(await repo.failure('reports', 'show', at(written, 0).id)).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(path),
      hint: expect.stringContaining('git '),
    });
    expect((await repo.run('reports', 'show', 'latest')).code).toBe(0);
  });

  test('of none, or of one that does not exist, is exit 2', async () => {
    const { repo } = await kept();
    expect(await repo.failure('reports', 'show')).toMatchObject({ code: 'REPORT_NOT_FOUND', exitCode: 2 });
  });

  test('prints hostile names without a control character in every format', async () => {
    const { repo } = await kept(hostileReport());
    for (const format of ['table', 'md', 'html', 'junit', 'github', 'prometheus']) {
      const { stdout } = await repo.runWith(
        { tty: true, columns: 120 },
        'reports',
        'show',
        '--format',
        format,
      );
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(stdout.length).toBeGreaterThan(HOSTILE_TEXTS.length);
    }
  });
});

describe('mlops reports compare', () => {
  const column = (name: string, d: number) =>
    columnOf(name, { checks: [checkOf('distribution', [effectOf('D', d)])] });
  const BEFORE = reportOf([
    column('age', 0.05),
    column('amount', 0.3),
    column('gone', 0.01),
    column('same', 0.02),
  ]);
  const AFTER = reportOf([
    column('age', 0.5),
    column('amount', 0.12),
    column('new', 0.01),
    column('same', 0.03),
  ]);

  test('shows what became worse, better, came and went, with the latest as the second by default', async () => {
    const { repo, kept: written } = await kept(BEFORE, AFTER);
    const [first, second] = written.map(({ id }) => id.slice(-16, -8));
    const expected = `${first}, 2026-11-20T08:00:00.000Z: drift (high)
${second}, 2026-11-21T08:00:00.000Z: drift (critical)
1 worse, 1 new, 1 better, 1 gone, 1 of the same severity

TREND   COLUMN  BEFORE          AFTER
worse   age     stable, D 0.05  critical, D 0.5
new     new     -               stable, D 0.01
better  amount  high, D 0.3     medium, D 0.12
gone    gone    stable, D 0.01  -
`;
    expect(await repo.run('reports', 'compare', 'latest~1')).toEqual({
      code: 0,
      stdout: expected,
      stderr: '',
    });
    expect((await repo.run('reports', 'compare', at(written, 0).id, at(written, 1).id)).stdout).toBe(
      expected,
    );
  });

  test('as JSON has both states of each column', async () => {
    const { repo, kept: written } = await kept(BEFORE, AFTER);
    const data = await repo.json('reports', 'compare', 'latest~1');
    expect(data).toMatchObject({
      before: { id: at(written, 0).id, time: '2026-11-20T08:00:00.000Z', verdict: 'drift', severity: 'high' },
      after: { id: at(written, 1).id, verdict: 'drift', severity: 'critical' },
      counts: { worse: 1, new: 1, better: 1, gone: 1, same: 1 },
      notes: [],
    });
    expect((data['columns'] as unknown[])[0]).toEqual({
      column: 'age',
      trend: 'worse',
      before: { severity: 'none', verdict: 'stable', size: 'D 0.05', effectRatio: 0.5 },
      after: { severity: 'critical', verdict: 'drift', size: 'D 0.5', effectRatio: 5 },
    });
  });

  test('warns where the two are not of the same kind', async () => {
    const { repo } = await kept(BEFORE, { ...AFTER, policy: 'pvalue-1' });
    expect((await repo.run('reports', 'compare', 'latest~1')).stderr).toBe(
      'warning: the reports follow other rules: mlops-2 and pvalue-1\n',
    );
  });
});

describe('the rest of the program', () => {
  test('verify counts kept reports, and a damaged one is exit 3', async () => {
    const { repo, kept: written } = await kept(STABLE, PAYMENTS);
    expect(await repo.json('verify')).toMatchObject({
      checked: { reports: 2, events: 2 },
      damage: [],
      notices: [],
    });
    expect((await repo.run('verify')).stdout).toContain(', 2 drift reports, ');
    const path = `.mlops/${at(written, 0).path}`;
    await writeFile(join(repo.root, path), '{}');
    const { code, stdout } = await repo.run('verify', '--json');
    expect(code).toBe(3);
    const { data } = JSON.parse(stdout) as { data: { damage: unknown } };
    expect(data.damage).toEqual([
      { kind: 'report', path, digest: null, problem: expect.stringContaining(path) },
    ]);
    await rm(join(repo.root, path));
    expect((await repo.run('verify')).code).toBe(0);
  });

  test('the pre-commit hook takes kept reports and refuses edited or damaged ones', async () => {
    const { repo, kept: written } = await kept(STABLE);
    const more = await kept(STABLE, PAYMENTS);
    const path = `.mlops/${at(more.kept, 1).path}`;
    const bytes = await more.repo.read(path);
    await repo.write(path, bytes);
    await repo.git('add', '.mlops');
    expect(await repo.run('hooks', 'run', 'pre-commit')).toMatchObject({ code: 0, stderr: '' });
    await repo.write(path, bytes.replace('"critical"', '"none"'));
    await repo.git('add', '.mlops');
    expect(await repo.run('hooks', 'run', 'pre-commit')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('its bytes or its name were changed after it was kept'),
    });
    await repo.git('rm', '--cached', '--quiet', path);
    const old = `.mlops/${at(written, 0).path}`;
    await repo.write(old, `${await repo.read(old)} `);
    await repo.git('add', old);
    expect(await repo.run('hooks', 'run', 'pre-commit')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('kept reports are never edited'),
    });
    await repo.git('rm', '--cached', '--quiet', '--force', old);
    expect(await repo.run('hooks', 'run', 'pre-commit')).toMatchObject({ code: 0 });
  });

  test('garbage collection and push do not mistake what is in a report for artifacts', async () => {
    const digest = 'ab'.repeat(32);
    const { repo } = await kept(reportOf([columnOf(digest, { notes: [`sha256:${digest}`] })]));
    await repo.save('fraud', 'v1');
    await repo.git('add', '.mlops');
    await repo.git('commit', '--quiet', '-m', 'Save');
    expect((await repo.run('gc', '--json')).code).toBe(0);
    expect(await repo.failure('why', digest)).toMatchObject({ exitCode: 2 });
  });
});

describe('what to type next', () => {
  const REFERENCE = `x\n${Array.from({ length: 2000 }, (_, index) => index).join('\n')}\n`;
  const CURRENT = `x\n${Array.from({ length: 2000 }, (_, index) => index + 1500).join('\n')}\n`;

  test('after drift is how to see it drawn, unless it was, or something else than the table was printed', async () => {
    const repo = await registryRepo();
    await repo.write('a.csv', REFERENCE);
    await repo.write('b.csv', CURRENT);
    const hint = 'hint: see each column drawn: the same command with -o drift.html\n';
    expect(await repo.run('drift', 'a.csv', 'b.csv')).toMatchObject({ code: 1, stderr: hint });
    expect((await repo.run('drift', 'a.csv', 'b.csv', '-o', 'drift.html')).stderr).toBe('');
    expect((await repo.run('drift', 'a.csv', 'b.csv', '--format', 'md')).stderr).toBe('');
    expect((await repo.run('drift', 'a.csv', 'a.csv')).stderr).toBe('');
  });

  test('after too few rows is to take more', async () => {
    const repo = await registryRepo();
    await repo.write('a.csv', 'x\n1\n2\n3\n4\n');
    await repo.write('b.csv', 'x\n2\n3\n4\n5\n');
    expect((await repo.run('drift', 'a.csv', 'b.csv')).stderr).toContain(
      'hint: take more rows, or see what decides',
    );
  });
});
