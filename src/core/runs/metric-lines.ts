import { isKey, isLoggedModelId, isTime, RUN_LIMITS } from './limits.ts';
import type { MetricPoint } from './run.ts';

/** Canonical text of one line of metrics.jsonl, docs/format.md section 5.9. */
export function encodeMetric({ key, value, step, time, dataset, model }: MetricPoint): string {
  const set =
    dataset === undefined
      ? ''
      : `"dataset":{"digest":${JSON.stringify(dataset.digest)},"name":${JSON.stringify(dataset.name)}},`;
  const owner = model === undefined ? '' : `"model":${JSON.stringify(model)},`;
  return `{${set}"key":${JSON.stringify(key)},${owner}"step":${step},"time":${time},"value":${encodeNumber(value)}}\n`;
}

/** JSON has no NaN and no infinities. */
export function encodeNumber(value: number): string {
  return Number.isFinite(value) ? JSON.stringify(value) : `"${storedNumber(value)}"`;
}

/** The form of a number in documents. */
export function storedNumber(value: number): number | 'NaN' | 'Infinity' | '-Infinity' {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}

/** Undefined for anything that is none. */
export function readNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Infinity;
  return value === '-Infinity' ? -Infinity : undefined;
}

/** The point that a line of metrics.jsonl states; undefined for an interrupted write and for anything else that is none. */
export function decodeMetric(line: string): MetricPoint | undefined {
  const found = parseObject(line);
  if (found === undefined) return undefined;
  const { key, step = 0, time, dataset, model } = found;
  const value = readNumber(found['value']);
  const isPoint =
    typeof key === 'string' &&
    isKey(key) &&
    typeof step === 'number' &&
    Number.isSafeInteger(step) &&
    typeof time === 'number' &&
    isTime(time);
  if (!isPoint || value === undefined) return undefined;
  const point: MetricPoint = { key, value, step, time };
  const set = dataset === undefined ? undefined : readDataset(dataset);
  const owner = typeof model === 'string' && isLoggedModelId(model) ? model : undefined;
  if (set === undefined && owner === undefined) return point;
  return { ...point, ...(set && { dataset: set }), ...(owner !== undefined && { model: owner }) };
}

function readDataset(value: unknown): MetricPoint['dataset'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { name, digest } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof digest === 'string' ? { name, digest } : undefined;
}

/** Undefined for what is no JSON object. Its keys are the writer's: read them by name only. */
export function parseObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const LINE_FEED = 10;

/**
 * Gives every whole line to `visit`, without its line break; those that are too long are passed over.
 * @returns bytes up to the end of the last whole line: what follows may still be being written
 */
export function eachLine(bytes: Uint8Array, visit: (line: string) => void): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let start = 0;
  for (let end = buffer.indexOf(LINE_FEED); end !== -1; end = buffer.indexOf(LINE_FEED, start)) {
    if (end > start && end - start <= RUN_LIMITS.lineBytes) visit(buffer.toString('utf8', start, end));
    start = end + 1;
  }
  return start;
}
