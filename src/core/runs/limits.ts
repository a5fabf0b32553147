import { UsageError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { MetricPoint } from './run.ts';

/** docs/format.md section 8. Lengths in UTF-16 units, as MLflow counts characters, sizes in bytes. */
export const RUN_LIMITS = {
  keyLength: 250,
  paramLength: 6000,
  tagLength: 8000,
  nameLength: 500,
  textLength: 20_000,
  /** Params, tags, metric keys, inputs, artifacts: each. */
  entries: 10_000,
  lineBytes: 1024 * 1024,
  documentBytes: 10 * 1024 * 1024,
  logBytes: 256 * 1024 * 1024,
  metricsBytes: 16 * 1024 ** 3,
} as const;

/** Milliseconds since 1970 that a `Date` can hold. */
const MAX_TIME = 8.64e15;
/** The last millisecond of the year 9999, as the name of a month has four digits for the year. */
const MAX_DATE = 253_402_300_799_999;
const CONTROL = /[\u0000-\u001f\u007f]/;
const SHOWN = 60;

type Entry = 'metric' | 'param' | 'tag';

/** Whether a key of a file is one that a writer may have written. */
export function isKey(key: string): boolean {
  return key !== '' && key.length <= RUN_LIMITS.keyLength && !CONTROL.test(key);
}

/** @throws UsageError `KEY_INVALID`, `LIMIT_EXCEEDED` */
export function assertKey(what: Entry, key: string): void {
  if (key === '') throw invalid('KEY_INVALID', `a ${what} has no name`);
  if (key.length > RUN_LIMITS.keyLength) {
    throw exceeded(
      `the name of the ${what} "${shown(key)}" has ${key.length} characters`,
      RUN_LIMITS.keyLength,
    );
  }
  if (CONTROL.test(key))
    throw invalid('KEY_INVALID', `the name of the ${what} "${shown(key)}" holds a control character`);
}

/** @throws UsageError `KEY_INVALID`, `LIMIT_EXCEEDED` */
export function assertParam(key: string, value: string): void {
  assertKey('param', key);
  if (value.length <= RUN_LIMITS.paramLength) return;
  throw exceeded(`the param "${shown(key)}" has ${value.length} characters`, RUN_LIMITS.paramLength);
}

/** @throws UsageError `KEY_INVALID`, `LIMIT_EXCEEDED` */
export function assertTag(key: string, value: string): void {
  assertKey('tag', key);
  if (value.length <= RUN_LIMITS.tagLength) return;
  throw exceeded(`the tag "${shown(key)}" has ${value.length} characters`, RUN_LIMITS.tagLength);
}

/** @throws UsageError `KEY_INVALID`, `VALUE_INVALID`, `LIMIT_EXCEEDED` */
export function assertMetric({ key, step, time, dataset, model }: MetricPoint): void {
  assertKey('metric', key);
  if (!Number.isSafeInteger(step))
    throw invalid('VALUE_INVALID', `metric "${shown(key)}": the step is no whole number`);
  if (!isTime(time))
    throw invalid(
      'VALUE_INVALID',
      `metric "${shown(key)}": the time is no number of milliseconds since 1970`,
    );
  if (model !== undefined && !isLoggedModelId(model))
    throw invalid('VALUE_INVALID', `"${shown(model)}" is no id of a logged model`);
  if ((dataset?.name.length ?? 0) + (dataset?.digest.length ?? 0) > RUN_LIMITS.textLength) {
    throw exceeded(`the data set of metric "${shown(key)}" is too long`, RUN_LIMITS.textLength);
  }
}

export function assertName(what: string, name: string): void {
  if (name === '') throw invalid('VALUE_INVALID', `the name of the ${what} is empty`);
  if (CONTROL.test(name))
    throw invalid('VALUE_INVALID', `the name of the ${what} "${shown(name)}" holds a control character`);
  if (name.length > RUN_LIMITS.nameLength) {
    throw exceeded(`the name of the ${what} has ${name.length} characters`, RUN_LIMITS.nameLength);
  }
}

/** @param count how many there would be */
export function assertCount(what: string, count: number): void {
  if (count > RUN_LIMITS.entries) throw exceeded(`a run would have ${count} ${what}`, RUN_LIMITS.entries);
}

export function isTime(value: number): boolean {
  return Number.isSafeInteger(value) && Math.abs(value) <= MAX_TIME;
}

/** Whether a run may start or end then: its month has a name of four digits for the year. */
export function isDate(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= MAX_DATE;
}

export function isRunId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

export function isLoggedModelId(text: string): boolean {
  return /^m-[0-9a-f]{32}$/.test(text);
}

export function shown(text: string): string {
  return printable(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

function invalid(code: string, message: string): UsageError {
  return new UsageError(code, message, { hint: 'nothing was logged' });
}

function exceeded(message: string, limit: number): UsageError {
  return new UsageError('LIMIT_EXCEEDED', `${message}; the limit is ${limit}`, {
    hint: 'log what is larger as an artifact; nothing was logged',
  });
}
