import { readFile, stat } from 'node:fs/promises';
import { UsageError } from '../../errors.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { LIMITS, metricValue, type MetricValue } from './record.ts';

/**
 * `key=value` pairs as typed. The key ends at the first `=`; a key given twice is an error.
 * @throws UsageError `PAIR_INVALID`, `LIMIT_EXCEEDED`
 */
export function parsePairs(
  pairs: readonly string[],
  what: 'metric' | 'param' | 'tag' | 'data',
): Map<string, string> {
  const found = new Map<string, string>();
  const valueLimit = what === 'tag' ? LIMITS.tagLength : LIMITS.paramLength;
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, at).trim();
    if (at === -1 || key === '') throw pairError(what, `"${pair.slice(0, 100)}" is not <key>=<value>`);
    if (['__proto__', 'constructor', 'prototype'].includes(key))
      throw pairError(what, `"${key}" can't be a key`);
    if (found.has(key)) throw pairError(what, `"${key}" is given twice`);
    const value = pair.slice(at + 1);
    assertLimit(key.length, LIMITS.keyLength, `characters in the key "${key.slice(0, 40)}"`);
    assertLimit(value.length, valueLimit, `characters in the ${what} "${key.slice(0, 40)}"`);
    found.set(key, value);
  }
  const countLimit = { metric: LIMITS.metrics, param: LIMITS.params, tag: LIMITS.tags, data: LIMITS.data }[
    what
  ];
  assertLimit(found.size, countLimit, what === 'data' ? 'data sources' : `${what}s`);
  return found;
}

/** Metrics as typed; `nan`, `inf` and `-inf` are numbers here. */
export function parseMetricPairs(pairs: readonly string[]): Map<string, MetricValue> {
  const metrics = new Map<string, MetricValue>();
  for (const [key, text] of parsePairs(pairs, 'metric'))
    metrics.set(key, metricValue(parseNumber(key, text)));
  return metrics;
}

function parseNumber(key: string, text: string): number {
  const word = /^([+-]?)(nan|inf|infinity)$/i.exec(text.trim());
  if (word !== null) {
    if (word[2]?.toLowerCase() === 'nan') return Number.NaN;
    return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(text)) {
    throw pairError('metric', `${key}: "${text.slice(0, 100)}" is not a number`);
  }
  return Number(text);
}

/**
 * A JSON file of metrics, such as a training script writes: numbers, nested objects flattened with `.`. Python's `NaN` and
 * `Infinity` are understood. Booleans and text are no metrics and are an error, as are arrays.
 *
 * @param options.separator between nested names; default `.`
 * @param options.numbersOnly pass over what is no number
 * @throws UsageError `SOURCE_MISSING`, `LIMIT_EXCEEDED`, `METRICS_INVALID`; IntegrityError `JSON_INVALID` with the position
 */
export async function readMetricsFile(
  path: string,
  { separator = '.', numbersOnly = false }: { separator?: string; numbersOnly?: boolean } = {},
): Promise<Map<string, MetricValue>> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined || !stats.isFile()) {
    throw new UsageError('SOURCE_MISSING', `${path}: there is no such metrics file`, {
      hint: 'give the path of a JSON file, for example --metrics metrics.json',
    });
  }
  if (stats.size > LIMITS.metricsFileBytes) {
    throw new UsageError(
      'LIMIT_EXCEEDED',
      `${path} has ${stats.size} bytes; a metrics file has at most ${LIMITS.metricsFileBytes}`,
      {
        hint: 'keep per-step histories out of it and give the final values',
      },
    );
  }
  const text = quoteNonFinite(await readFile(path, 'utf8'));
  const metrics = new Map<string, MetricValue>();
  collect(parseMetricsText(text, path), [], { path, metrics, separator, numbersOnly });
  assertLimit(metrics.size, LIMITS.metrics, 'metrics');
  return metrics;
}

function parseMetricsText(text: string, path: string): unknown {
  try {
    return parseJson(Buffer.from(text), { source: path });
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new UsageError('METRICS_INVALID', cause.message, {
      hint: 'the file must be JSON, for example {"accuracy": 0.95}',
      cause,
    });
  }
}

/** Python's json.dump writes bare NaN, Infinity and -Infinity; strings are left alone. */
function quoteNonFinite(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
}

function collect(
  value: unknown,
  path: readonly string[],
  into: { path: string; metrics: Map<string, MetricValue>; separator: string; numbersOnly: boolean },
): void {
  const key = path.join(into.separator);
  if (into.metrics.has(key)) {
    throw new UsageError(
      'METRICS_INVALID',
      `${into.path}: "${key}" is given twice, once nested and once with a dot`,
      {
        hint: 'give each metric one name',
      },
    );
  }
  if (typeof value === 'number') {
    into.metrics.set(key, metricValue(value));
  } else if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') {
    into.metrics.set(key, value);
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [name, member] of Object.entries(value)) collect(member, [...path, name], into);
    return;
  } else if (into.numbersOnly && key !== '') {
    return;
  } else {
    throw new UsageError(
      'METRICS_INVALID',
      `${into.path}: ${key === '' ? 'the document' : `"${key}"`} is not a number`,
      {
        hint: 'a metrics file holds numbers, by name; text belongs into --param or --tag',
      },
    );
  }
  if (key === '') throw new UsageError('METRICS_INVALID', `${into.path}: expected an object of numbers`);
  assertLimit(key.length, LIMITS.keyLength, `characters in the metric name "${key.slice(0, 40)}"`);
}

export function assertLimit(count: number, limit: number, what: string): void {
  if (count <= limit) return;
  throw new UsageError('LIMIT_EXCEEDED', `${count} ${what}; the limit is ${limit}`, {
    hint: 'store what is larger as a file of the artifact',
  });
}

function pairError(what: string, problem: string): UsageError {
  return new UsageError('PAIR_INVALID', `--${what}: ${problem}`, {
    hint: `for example --${what} ${what === 'metric' ? 'accuracy=0.95' : 'name=value'}`,
  });
}
