import { MlopsError } from '../../../errors.ts';
import { printable } from '../../../lib/terminal-text.ts';
import type { OutputFiles } from '../../../storage/output-files.ts';
import type { DriftReport } from '../report.ts';
import { markdownReport } from './markdown.ts';

/** GitHub refuses the summary of a step, the whole of it, when it is larger than 1 MiB. */
const SUMMARY_LIMIT = 1024 * 1024;
/** Less room than this holds no verdict with its sources. */
const LEAST = 4096;

export interface StepSummary {
  /** The value of `GITHUB_STEP_SUMMARY`: absolute, set by the runner. */
  readonly path: string;
  readonly files: Pick<OutputFiles, 'append'>;
  warn(message: string): void;
}

/**
 * Adds the report to the summary of a GitHub Actions step. The file is only ever added to, since other programs of the step write it too. A
 * summary that can't be written is a warning: the verdict stands without it.
 *
 * @returns whether it was added
 */
export async function appendStepSummary(
  report: DriftReport,
  { path, files, warn }: StepSummary,
): Promise<boolean> {
  const shown = printable(path);
  let added = false;
  try {
    await files.append(path, (size) => {
      // What another program wrote may end within a line, and a heading starts after an empty one.
      const separator = size === 0 ? '' : '\n\n';
      const room = SUMMARY_LIMIT - size - separator.length;
      if (room < LEAST) return undefined;
      added = true;
      return `${separator}${markdownReport(report, { maxBytes: Math.min(room, SUMMARY_LIMIT / 2) })}`;
    });
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    warn(`the report was not added to the summary of the step (GITHUB_STEP_SUMMARY): ${error.message}`);
    return false;
  }
  if (!added)
    warn(`the report was not added to the summary of the step: ${shown} is as large as GitHub allows`);
  return added;
}
