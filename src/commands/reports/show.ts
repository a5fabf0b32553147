import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import {
  planReport,
  REPORT_FILES,
  REPORT_FORMAT,
  ReportOutputInput,
  summariseStep,
  writeReport,
} from '../../cli/report-output.ts';
import { DriftReport } from '../../core/drift/report.ts';
import { findReport } from '../../core/drift/reports/list.ts';

export default defineCommand({
  arguments: [
    { name: '[report]', description: 'its id, the start of it, latest, or latest~1 ... (default: latest)' },
  ],
  options: [REPORT_FORMAT, REPORT_FILES],
  description:
    'The file must still hold the bytes that its name says; damage is exit 3. With --format md the report is added to the summary of a GitHub Actions step, where there is one.',
  examples: [
    { command: 'mlops reports show', explains: 'the last report that was kept' },
    { command: 'mlops reports show 3f9a02c1 -o drift.html', explains: 'one as a page with charts' },
  ],
  input: z.object({ report: z.string().min(1).max(200).default('latest'), ...ReportOutputInput }),
  output: z.lazy(() =>
    z.object({
      id: z.string(),
      /** When it was kept. */
      time: z.string(),
      /** Below the Git root. */
      path: z.string(),
      report: DriftReport,
      /** What was written with --output. */
      files: z.array(z.object({ path: z.string(), format: z.string() })),
    }),
  ),
  async run({ report: name, format, output }, context) {
    const plan = planReport({ format, output }, context);
    const { id, time, path, report } = await findReport((await context.repository()).documents, name);
    const written = await writeReport(report, plan, { context, facts: { time: new Date(time) } });
    if (format === 'md') await summariseStep(report, context);
    return {
      data: { id, time, path, report, files: [...written.files] },
      text: (view) => written.text(view),
    };
  },
});
