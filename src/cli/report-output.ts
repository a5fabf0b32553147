import { resolve } from 'node:path';
import * as z from 'zod';
import {
  DOCUMENT_FORMATS,
  formatOfFile,
  renderReport,
  type DocumentFormat,
} from '../core/drift/formats/format.ts';
import { plainOverview } from '../core/drift/formats/overview.ts';
import type { DriftReport } from '../core/drift/report.ts';
import { UsageError } from '../errors.ts';
import { printable } from '../lib/terminal-text.ts';
import { driftTable } from '../ui/drift-table.ts';
import type { OptionDefinition, View } from './command.ts';
import type { Context } from './context.ts';
import { VERSION } from './version.ts';

const REPORT_FORMATS = ['table', ...DOCUMENT_FORMATS] as const;

export const REPORT_FORMAT: OptionDefinition = {
  flags: '--format <format>',
  description: 'what to print: table (default), json, md, html, junit, github or prometheus',
};

export const REPORT_FILES: OptionDefinition = {
  flags: '-o, --output <file...>',
  description:
    'write the report to a file too, in the format of its ending: .json .md .html .xml (JUnit) .prom; else in that of --format',
};

/** Members of the input of a command with these two options. */
export const ReportOutputInput = {
  format: z.enum(REPORT_FORMATS).optional(),
  output: z.array(z.string().min(1).max(4096)).max(20).default([]),
};

type ReportFormat = (typeof REPORT_FORMATS)[number];

/** What goes where; found before anything is compared, so that a mistake in the options costs nothing. */
export interface ReportPlan {
  readonly printed: ReportFormat;
  readonly files: readonly {
    readonly path: string;
    readonly given: string;
    readonly format: DocumentFormat;
  }[];
}

/**
 * Stdout gets `--format`, unless that is the format of a file that was asked for: then a person wants the table.
 * @throws UsageError `FORMAT_UNKNOWN` for a file whose ending says nothing
 */
export function planReport(
  { format, output }: { format?: ReportFormat | undefined; output: readonly string[] },
  { cwd }: Pick<Context, 'cwd'>,
): ReportPlan {
  const files = output.map((given) => {
    const named = formatOfFile(given) ?? (format === 'table' ? undefined : format);
    if (named === undefined) {
      throw new UsageError('FORMAT_UNKNOWN', `the ending of ${printable(given)} names no format`, {
        hint: 'let it end in .json, .md, .html, .xml or .prom, or name the format: --format html',
      });
    }
    return { path: resolve(cwd, given), given, format: named };
  });
  const isWritten = files.some((file) => file.format === format);
  return { printed: isWritten ? 'table' : (format ?? 'table'), files };
}

export interface ReportFacts {
  /** When the comparison was made. */
  readonly time: Date;
  readonly model?: string | undefined;
  /** How long it took, in seconds. */
  readonly duration?: number | undefined;
}

export interface WrittenReport {
  /** Absolute paths. */
  readonly files: readonly { path: string; format: string }[];
  text(view: View): string;
}

/** Writes the files of the plan and makes what is to be printed. @throws LocalIoError */
export async function writeReport(
  report: DriftReport,
  plan: ReportPlan,
  { context, facts }: { context: Context; facts: ReportFacts },
): Promise<WrittenReport> {
  const about = { ...facts, tool: `mlops/${VERSION}` };
  const texts = new Map<DocumentFormat, string>();
  const textIn = async (format: DocumentFormat): Promise<string> => {
    const text = texts.get(format) ?? (await renderReport(report, format, about));
    texts.set(format, text);
    return text;
  };
  const out = await context.outputFiles();
  for (const { path, format } of plan.files) await out.write(path, await textIn(format));
  const printed = plan.printed === 'table' ? undefined : await textIn(plan.printed);
  const names = plan.files.map(({ given }) => `Wrote ${printable(given)}\n`).join('');
  return {
    files: plan.files.map(({ path, format }) => ({ path, format })),
    text: (view) =>
      printed ?? `${driftTable(plainOverview(report), view)}${names === '' ? '' : `\n${names}`}`,
  };
}

/** What to type next, where there is more to see than the table that was printed. */
export function nextSteps({ verdict }: DriftReport, { printed, files }: ReportPlan): string[] {
  if (printed !== 'table' || verdict === 'stable') return [];
  const isDrawn = files.some(({ format }) => format === 'html');
  return [
    ...(isDrawn ? [] : ['see each column drawn: the same command with -o drift.html']),
    ...(verdict === 'inconclusive'
      ? ['take more rows, or see what decides: the same command with --explain']
      : []),
  ];
}

/** Adds the report to the summary of the GitHub Actions step in which this runs; nothing where it is none. */
export async function summariseStep(report: DriftReport, context: Context): Promise<void> {
  const path = context.env['GITHUB_STEP_SUMMARY'] ?? '';
  if (path === '') return;
  const { appendStepSummary } = await import('../core/drift/formats/step-summary.ts');
  const files = await context.outputFiles();
  await appendStepSummary(report, {
    path: resolve(context.cwd, path),
    files,
    warn: (message) => context.warn(message),
  });
}
