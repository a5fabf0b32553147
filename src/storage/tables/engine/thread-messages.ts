import { ExitCode, LocalIoError, MlopsError, UsageError } from '../../../errors.ts';
import type { TableEngine } from './engine.ts';

/** What the thread is told: to do something, or to give it up. */
export type ThreadCall =
  | { call: number; method: keyof TableEngine; request: unknown }
  | { call: number; abort: true };

/** What it answers: how far it is, and in the end the result or why there is none. */
export type ThreadAnswer =
  | { call: number; progress: number }
  | { call: number; result: unknown }
  | { call: number; error: SentError };

export interface SentError {
  message: string;
  stack: string | undefined;
  /** Of an error for people. */
  told: { code: string; exitCode: ExitCode; hint: string | undefined } | undefined;
}

export function packError(error: unknown): SentError {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  if (!(error instanceof MlopsError)) return { message, stack, told: undefined };
  const { code, exitCode, hint } = error;
  return { message, stack, told: { code, exitCode, hint } };
}

export function unpackError({ message, stack, told }: SentError): Error {
  if (told === undefined) return Object.assign(new Error(message), stack === undefined ? {} : { stack });
  const { code, exitCode, hint } = told;
  const options = hint === undefined ? {} : { hint };
  if (exitCode === ExitCode.usage && code !== 'MISSING_DEPENDENCY')
    return new UsageError(code, message, options);
  if (exitCode === ExitCode.io) return new LocalIoError(code, message, options);
  return new MlopsError(code, exitCode, message, options);
}

/** The memory behind typed arrays in a result: it is moved to the other thread, not copied. */
export function memoryOf(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (Array.isArray(value)) {
    for (const entry of value) if (typeof entry === 'object') memoryOf(entry, found);
  } else if (typeof value === 'object' && value !== null && !(value instanceof Map)) {
    for (const entry of Object.values(value)) memoryOf(entry, found);
  }
  return found;
}
