import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { listReports } from '../../core/drift/reports/list.ts';
import { ExitCode } from '../../errors.ts';
import { paintState } from '../../ui/drift-table.ts';
import { table } from '../../ui/table.ts';
import { formatTime } from '../../ui/time.ts';

const SHOWN_DIGITS = 8;
const COLUMNS = [
  { header: 'REPORT' },
  { header: 'TIME' },
  { header: 'VERDICT', style: paintState },
  { header: 'SEVERITY', style: paintState },
  { header: 'DRIFTED', align: 'right' },
  { header: 'REFERENCE' },
  { header: 'CURRENT' },
] as const;

export default defineCommand({
  options: [{ flags: '--limit <n>', description: 'at most so many reports' }],
  description:
    'Newest first. A report is named by the digits of the first column, by its id, or as latest, latest~1 ...',
  examples: [{ command: 'mlops reports list', explains: 'what was checked, when, and what came of it' }],
  input: z.object({
    limit: z.coerce
      .number('expected a whole number')
      .int('expected a whole number')
      .min(1, 'must be at least 1')
      .optional(),
  }),
  output: z.lazy(() =>
    z.object({
      reports: z.array(
        z.object({
          id: z.string(),
          time: z.string(),
          path: z.string(),
          verdict: z.enum(['stable', 'drift', 'inconclusive']),
          severity: z.enum(['none', 'low', 'medium', 'high', 'critical']),
          /** Whether the severity was at or above `--fail-on`. */
          failed: z.boolean(),
          policy: z.string(),
          columns: z.number(),
          drifted: z.number(),
          /** What was compared, as it was named. */
          reference: z.string(),
          current: z.string(),
          rows: z.object({ reference: z.number(), current: z.number() }),
        }),
      ),
      total: z.number(),
      problems: z.array(
        z.object({ path: z.string(), code: z.string(), message: z.string(), hint: z.string().nullable() }),
      ),
    }),
  ),
  async run({ limit }, context) {
    const { reports, problems } = await listReports((await context.repository()).documents);
    for (const { error } of problems) {
      context.warn(error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
    }
    const shown = reports.slice(0, limit).map(({ totals, ...each }) => ({
      ...each,
      rows: { ...each.rows },
      columns: totals.columns,
      drifted: totals.drift,
    }));
    return {
      data: {
        reports: shown,
        total: reports.length,
        problems: problems.map(({ path, error }) => ({
          path,
          code: error.code,
          message: error.message,
          hint: error.hint ?? null,
        })),
      },
      text: (view) => {
        if (shown.length === 0) return 'No drift reports are kept\n';
        const rows = shown.map((each) => [
          each.id.slice(-16, -16 + SHOWN_DIGITS),
          formatTime(each.time, view),
          each.verdict,
          each.severity,
          `${each.drifted} of ${each.columns}`,
          each.reference,
          each.current,
        ]);
        return table({ columns: COLUMNS, rows }, view);
      },
      exitCode: problems[0]?.error.exitCode ?? ExitCode.ok,
      hints:
        shown.length < reports.length
          ? [`${shown.length} of ${reports.length} reports shown; raise --limit for more`]
          : [],
    };
  },
});
