import * as z from 'zod';
import type { View } from '../runs/index.ts';
import { invalid } from './errors.ts';

/** Fields of requests as protobuf's JSON has them: null is absent, numbers may be text, and unknown members are ignored. */

const absent = <S extends z.ZodType>(schema: S): z.ZodPreprocess<z.ZodOptional<S>> =>
  z.preprocess((value) => value ?? undefined, schema.optional());

const Text = z.string();
/** An empty text is an absent one, as in protobuf. */
export const optionalText = z.preprocess(
  (value) => (value === null || value === '' ? undefined : value),
  Text.optional(),
);
/** A text that may be empty, such as the value of a tag. */
export const anyText = z.preprocess((value) => value ?? '', Text);
export const requiredText = z.preprocess((value) => value ?? '', Text.min(1, 'missing'));

const Integer = z.preprocess(
  (value) => (typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value),
  z.number().refine(Number.isSafeInteger, 'is no whole number'),
);
export const optionalInteger = absent(Integer);

const NAMED_NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['nan', Number.NaN],
  ['Infinity', Infinity],
  ['inf', Infinity],
  ['-Infinity', -Infinity],
  ['-inf', -Infinity],
]);
const Real = z.custom<number>((value) => typeof value === 'number', 'is no number');
/** NaN and the infinities have names, as JSON has no such numbers. */
export const real = z.preprocess(
  (value) =>
    NAMED_NUMBERS.get(value) ??
    (typeof value === 'string' && /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)
      ? Number(value)
      : value),
  Real,
);

export const flag = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : (value ?? undefined)),
  z.boolean().optional(),
);

/** A list; one value of a query string is a list of one. */
export function list<S extends z.ZodType>(item: S): z.ZodPreprocess<z.ZodArray<S>> {
  return z.preprocess(
    (value) => (value === null || value === undefined ? [] : typeof value === 'string' ? [value] : value),
    z.array(item),
  );
}

export const pairs = list(z.object({ key: requiredText, value: anyText }));

const VIEWS = { ACTIVE_ONLY: 'active', DELETED_ONLY: 'deleted', ALL: 'all' } as const satisfies Record<
  string,
  View
>;
export const view = z.preprocess(
  (value) => (value === null || value === undefined || value === '' ? 'ACTIVE_ONLY' : value),
  z.enum(['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']).transform((name) => VIEWS[name]),
);

/** Clients send the id of a run under its old name too. */
export const runId = { run_id: optionalText, run_uuid: optionalText };

export function runIdOf({
  run_id,
  run_uuid,
}: {
  run_id?: string | undefined;
  run_uuid?: string | undefined;
}): string {
  const id = run_id ?? run_uuid;
  if (id === undefined) throw missing('run_id');
  return id;
}

export function missing(name: string): Error {
  return invalid(`Missing value for required parameter '${name}'`);
}

/** A page's size. @throws MlflowError `INVALID_PARAMETER_VALUE` */
export function pageSize(
  asked: number | undefined,
  { standard, most }: { standard: number; most: number },
): number {
  const size = asked ?? standard;
  if (size >= 1 && size <= most) return size;
  throw invalid(`Invalid value for parameter 'max_results' supplied: it must be 1 to ${most}, got ${size}`);
}

/** @throws MlflowError `INVALID_PARAMETER_VALUE` naming the parameter */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = issue?.path.join('.') ?? '';
  if (issue?.message === 'missing') throw missing(name);
  throw invalid(
    `Invalid value for parameter '${name.slice(0, 300)}' supplied: ${issue?.message ?? 'not understood'}`,
  );
}

/** As JSON has it: what is no number there is text. */
export function jsonReal(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

export function pairsOf(map: ReadonlyMap<string, string>): { key: string; value: string }[] {
  return [...map].map(([key, value]) => ({ key, value }));
}

export function mapOf(entries: readonly { key: string; value: string }[]): Map<string, string> {
  return new Map(entries.map(({ key, value }) => [key, value]));
}
