import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { appendStepSummary } from '../../../../src/core/drift/formats/step-summary.ts';
import { createOutputFiles } from '../../../../src/storage/local/output-files.ts';
import { tempDirectory } from '../../../support/temp-repo.ts';
import { columnOf, reportOf } from '../support/report-fixtures.ts';
import { paymentsReport, stableReport } from '../support/scenarios.ts';

const files = createOutputFiles();
const MIB = 1024 * 1024;

async function appended(path: string, report = paymentsReport()) {
  const warnings: string[] = [];
  const added = await appendStepSummary(report, { path, files, warn: (message) => warnings.push(message) });
  return { added, warnings };
}

describe('the summary of a step', () => {
  test('keeps what other programs wrote, and starts on a line of its own', async () => {
    const path = join(await tempDirectory(), 'summary.md');
    await writeFile(path, '## Build\nno newline at the end');
    expect(await appended(path)).toEqual({ added: true, warnings: [] });
    expect(await appended(path, stableReport(1))).toEqual({ added: true, warnings: [] });
    const text = await readFile(path, 'utf8');
    expect(text.startsWith('## Build\nno newline at the end\n\n### Drift (critical)')).toBe(true);
    expect(text).toContain('\n\n### Stable: no drift in 1 column\n');
  });

  test('is made where the runner named a file that is not there yet', async () => {
    const path = join(await tempDirectory(), 'summary.md');
    expect((await appended(path)).added).toBe(true);
    expect(await readFile(path, 'utf8')).toMatch(/^### Drift/);
  });

  test('stays below 1 MiB whatever is in it already', async () => {
    const columns = Array.from({ length: 20_000 }, (_, index) =>
      columnOf(`c${index} ${'x'.repeat(70)}`, { severity: 'high', verdict: 'drift' }),
    );
    const path = join(await tempDirectory(), 'summary.md');
    await writeFile(path, 'x'.repeat(MIB - 50_000));
    expect((await appended(path, reportOf(columns))).added).toBe(true);
    const text = await readFile(path, 'utf8');
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MIB);
    expect(text).toContain('more columns are left out here for their length');
  });

  test('that is full is left alone, with a warning', async () => {
    const path = join(await tempDirectory(), 'summary.md');
    await writeFile(path, 'x'.repeat(MIB - 100));
    expect(await appended(path)).toEqual({
      added: false,
      warnings: [`the report was not added to the summary of the step: ${path} is as large as GitHub allows`],
    });
    expect((await readFile(path)).length).toBe(MIB - 100);
  });

  test('that can not be written is a warning and no failure', async () => {
    const directory = await tempDirectory();
    await mkdir(join(directory, 'a-directory'));
    for (const path of [join(directory, 'missing', 'summary.md'), join(directory, 'a-directory')]) {
      const { added, warnings } = await appended(path);
      expect(added).toBe(false);
      expect(warnings).toEqual([
        expect.stringMatching(/GITHUB_STEP_SUMMARY\): .*(ENOENT|EISDIR); what it holds is untouched/),
      ]);
    }
  });

  test('that is read-only keeps its content', async (context) => {
    if (process.getuid?.() === 0) context.skip('root may write anything');
    const path = join(await tempDirectory(), 'summary.md');
    await writeFile(path, 'kept');
    await chmod(path, 0o444);
    expect((await appended(path)).added).toBe(false);
    expect(await readFile(path, 'utf8')).toBe('kept');
  });
});
