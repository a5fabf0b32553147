import type { ExitCode, MlopsError } from '../../errors.ts';

/** Why a hook stops Git, or what it warns of. */
export interface HookProblem {
  code: string;
  /** Below the Git root; undefined where no file is to blame. */
  path: string | undefined;
  /** From 1, where one line is to blame. */
  line: number | undefined;
  /** Names path and line itself. */
  message: string;
  hint: string | undefined;
  exitCode: ExitCode;
}

export interface HookOutcome {
  /** Any of them stops Git. */
  problems: readonly HookProblem[];
  warnings: readonly string[];
  /** What was done, as one line; undefined when there was nothing to do. */
  done: string | undefined;
}

export const NOTHING_TO_DO: HookOutcome = { problems: [], warnings: [], done: undefined };

export function problemOf(error: MlopsError, path?: string): HookProblem {
  const { code, message, hint, exitCode } = error;
  const line = path === undefined ? undefined : lineIn(message, path);
  return { code, path, line, message, hint, exitCode };
}

/** `<path>:<line>` at the start, as errors of JSON have it. */
function lineIn(message: string, path: string): number | undefined {
  if (!message.startsWith(`${path}:`)) return undefined;
  const line = /^\d+/.exec(message.slice(path.length + 1))?.[0];
  return line === undefined ? undefined : Number(line);
}
