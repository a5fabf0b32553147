import { ExitCode, InterruptedError, LocalIoError, MlopsError, errnoOf } from '../errors.ts';
import { printable } from '../lib/terminal-text.ts';
import { painter } from '../ui/colour.ts';
import type { Io } from './context.ts';

export interface ReportOptions {
  io: Io;
  json: boolean;
  /** When aborted, whatever was thrown counts as the interruption it came from. */
  signal: AbortSignal;
  version: string;
}

/** Writes the error to stderr for people or, with `json`, as one line for programs; returns the exit code. */
export function reportError(error: unknown, options: ReportOptions): ExitCode {
  const known = asKnown(error, options.signal);
  if (options.json) {
    options.io.err(`${JSON.stringify({ error: forPrograms(known, error) })}\n`);
    return known?.exitCode ?? ExitCode.internal;
  }
  const paint = painter(options.io.errColor);
  if (known === undefined) {
    options.io.err(`${paint.red('error:')} ${bugReport(error, options.version)}`);
    return ExitCode.internal;
  }
  options.io.err(`${paint.red('error:')} ${lines(known.message)}\n`);
  if (known.hint !== undefined) options.io.err(`${paint.cyan('hint:')} ${lines(known.hint)}\n`);
  return known.exitCode;
}

/** The error to show, or undefined for a bug. */
function asKnown(error: unknown, signal: AbortSignal): MlopsError | undefined {
  if (error instanceof MlopsError) return error;
  if (signal.aborted) return new InterruptedError(undefined, { cause: error });
  const errno = errnoOf(error);
  // A system error that no layer has put into words is still about the disk, not a defect of the program.
  if (errno !== undefined && error instanceof Error && 'syscall' in error) {
    return new LocalIoError('IO_FAILED', error.message, { cause: error });
  }
  return undefined;
}

function forPrograms(known: MlopsError | undefined, error: unknown): Record<string, unknown> {
  if (known === undefined) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: 'INTERNAL', message, hint: null, exitCode: ExitCode.internal, retryable: false };
  }
  const { code, message, hint, exitCode, retryable } = known;
  return { code, message, hint: hint ?? null, exitCode, retryable };
}

function bugReport(error: unknown, version: string): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return (
    `${lines(stack)}\n\n` +
    'This is a bug in mlops, not a mistake of yours. Please report it to the maintainers with the command you ran,\n' +
    `the lines above and these: mlops ${version}, Node ${process.version}, ${process.platform} ${process.arch}\n`
  );
}

/** Later lines are indented, so that text from a file can't pass for a line of ours. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line.trimEnd()))
    .join('\n  ');
}
