import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import {
  compareReports,
  type ColumnState,
  type ComparedColumn,
  type ReportComparison,
} from '../../core/drift/reports/compare.ts';
import { findReport, type FoundReport } from '../../core/drift/reports/list.ts';
import { printable } from '../../lib/terminal-text.ts';
import { table } from '../../ui/table.ts';
import type { Terminal } from '../../ui/terminal.ts';
import { formatTime } from '../../ui/time.ts';

const State = z.lazy(() =>
  z.object({
    severity: z.enum(['none', 'low', 'medium', 'high', 'critical']),
    verdict: z.enum(['stable', 'drift', 'inconclusive', 'skipped']),
    /** Size of the worst finding. */
    size: z.string(),
    /** The largest effect in units of the limit from which on it is medium. */
    effectRatio: z.number().nullable(),
  }),
);
const Side = z.lazy(() =>
  z.object({
    id: z.string(),
    time: z.string(),
    verdict: z.enum(['stable', 'drift', 'inconclusive']),
    severity: z.enum(['none', 'low', 'medium', 'high', 'critical']),
  }),
);

export default defineCommand({
  arguments: [
    { name: '<before>', description: 'the earlier report: its id, the start of it, or latest~1 ...' },
    { name: '[after]', description: 'the later one (default: latest)' },
  ],
  examples: [
    { command: 'mlops reports compare latest~1', explains: 'what changed from the last but one to the last' },
  ],
  input: z.object({
    before: z.string().min(1).max(200),
    after: z.string().min(1).max(200).default('latest'),
  }),
  output: z.lazy(() =>
    z.object({
      before: Side,
      after: Side,
      columns: z.array(
        z.object({
          column: z.string(),
          /** `same`: of the same severity in both. */
          trend: z.enum(['worse', 'new', 'better', 'gone', 'same']),
          before: State.nullable(),
          after: State.nullable(),
        }),
      ),
      counts: z.object({
        worse: z.number(),
        new: z.number(),
        better: z.number(),
        gone: z.number(),
        same: z.number(),
      }),
      /** Why the two may not be comparable. */
      notes: z.array(z.string()),
    }),
  ),
  async run({ before: earlier, after: later }, context) {
    const { documents } = await context.repository();
    const before = await findReport(documents, earlier);
    const after = await findReport(documents, later);
    const compared = compareReports(before.report, after.report);
    for (const note of compared.notes) context.warn(note);
    return {
      data: {
        before: summaryOf(before),
        after: summaryOf(after),
        columns: compared.columns.map((each) => ({ ...each })),
        counts: { ...compared.counts },
        notes: [...compared.notes],
      },
      text: (view) => describe(before, after, { compared, view }),
    };
  },
});

function summaryOf({ id, time, report: { verdict, severity } }: FoundReport): z.output<typeof Side> {
  return { id, time, verdict, severity };
}

const COLUMNS = ['TREND', 'COLUMN', 'BEFORE', 'AFTER'].map((header) => ({ header }));

function describe(
  before: FoundReport,
  after: FoundReport,
  { compared, view }: { compared: ReportComparison; view: Terminal },
): string {
  const { worse, better, gone, same } = compared.counts;
  const counts = `${worse} worse, ${compared.counts.new} new, ${better} better, ${gone} gone, ${same} of the same severity`;
  const side = ({ id, time, report: { verdict, severity } }: FoundReport): string =>
    `${id.slice(-16, -8)}, ${formatTime(time, view)}: ${verdict}${severity === 'none' ? '' : ` (${severity})`}`;
  const rows = compared.columns.filter(isWorthALine).map(({ trend, column, before: was, after: is }) => {
    return [trend, column === '' ? '(no name)' : column, stateText(was), stateText(is)];
  });
  const body = table({ columns: COLUMNS, rows }, view);
  return `${printable(side(before))}\n${printable(side(after))}\n${counts}\n${body === '' ? '' : `\n${body}`}`;
}

/** Columns that drift in both as much are still worth a look; those that are stable in both are a number. */
function isWorthALine({ trend, after }: ComparedColumn): boolean {
  return trend !== 'same' || (after !== null && after.severity !== 'none');
}

function stateText(state: ColumnState | null): string {
  if (state === null) return '-';
  const { severity, verdict, size } = state;
  return [severity === 'none' ? verdict : severity, size].filter((part) => part !== '').join(', ');
}
