import { parse } from 'csv-parse/sync';
import * as z from 'zod';
import { DriftWeight } from '../../../config/drift-settings.ts';
import { MlopsError, UsageError } from '../../../errors.ts';
import { parseJson } from '../../../lib/parse-json.ts';
import { printable } from '../../../lib/terminal-text.ts';

const MAX_BYTES = 10 * 1024 * 1024;
const HEADER = {
  column: ['column', 'feature', 'name', 'variable'],
  weight: ['weight', 'importance', 'gain', 'score'],
};

/**
 * Importances of columns, 0 or more each: a JSON object `{"age": 0.4}`, a JSON list `[{"column": "age", "weight": 0.4}]`, or CSV lines
 * `age,0.4` with or without the header `column,weight` (`feature` and `importance` are understood as well).
 *
 * @param source the path as typed, for messages
 * @throws UsageError `WEIGHTS_INVALID` with file and line
 */
export function parseWeights(bytes: Uint8Array, source: string): ReadonlyMap<string, number> {
  if (bytes.length > MAX_BYTES) throw invalid(source, `has ${bytes.length} bytes; the limit is ${MAX_BYTES}`);
  const text = decode(bytes, source);
  const pairs = /^\s*[[{]/.test(text) ? fromJson(text, source) : fromCsv(text, source);
  const weights = new Map<string, number>();
  for (const { column, weight, place } of pairs) {
    if (weights.has(column))
      throw invalid(source, `${place}the column "${printable(column)}" is there twice`);
    weights.set(column, weight);
  }
  if (weights.size === 0) throw invalid(source, 'holds no weights');
  if ([...weights.values()].every((weight) => weight === 0)) throw invalid(source, 'all weights are 0');
  return weights;
}

interface Pair {
  column: string;
  weight: number;
  /** Where it stands, ending in a space unless empty. */
  place: string;
}

function decode(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalid(source, 'is not UTF-8 text', cause);
  }
}

const JsonWeights = z.lazy(() =>
  z.union([
    z.array(z.strictObject({ column: z.string(), weight: DriftWeight })),
    z.record(z.string(), DriftWeight),
  ]),
);

function fromJson(text: string, source: string): Pair[] {
  const parsed = JsonWeights.safeParse(readJson(text, source));
  if (!parsed.success) {
    throw invalid(
      source,
      'is neither {"<column>": <weight>} nor [{"column": ..., "weight": ...}] with weights of 0 or more',
    );
  }
  const { data } = parsed;
  if (Array.isArray(data)) return data.map((entry, index) => ({ ...entry, place: `entry ${index + 1}: ` }));
  return Object.entries(data).map(([column, weight]) => ({ column, weight, place: '' }));
}

function readJson(text: string, source: string): unknown {
  try {
    return parseJson(new TextEncoder().encode(text), { source: printable(source), maxBytes: MAX_BYTES * 2 });
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    throw new UsageError('WEIGHTS_INVALID', error.message, {
      cause: error,
      hint: 'CSV lines `column,weight` can name every column, whatever it is called',
    });
  }
}

function fromCsv(text: string, source: string): Pair[] {
  const pairs: Pair[] = [];
  for (const { record, info } of records(text, source)) {
    const [column = '', written = ''] = record;
    const place = `line ${info.lines}: `;
    if (record.length !== 2)
      throw invalid(source, `${place}${record.length} cells; a line is "column,weight"`);
    const weight = Number(written.trim() === '' ? NaN : written);
    if (Number.isFinite(weight) && weight >= 0) pairs.push({ column, weight, place });
    else if (pairs.length > 0 || info.records > 1 || !isHeader(column, written)) {
      throw invalid(source, `${place}"${printable(written.slice(0, 40))}" is no weight of 0 or more`);
    }
  }
  return pairs;
}

function isHeader(column: string, weight: string): boolean {
  const word = (text: string): string => text.trim().toLowerCase();
  return HEADER.column.includes(word(column)) && HEADER.weight.includes(word(weight));
}

interface CsvRecord {
  record: string[];
  info: { lines: number; records: number };
}

function records(text: string, source: string): CsvRecord[] {
  try {
    return parse(text, {
      bom: true,
      info: true,
      relaxColumnCount: true,
      skipEmptyLines: true,
    }) as unknown as CsvRecord[];
  } catch (error) {
    throw invalid(source, error instanceof Error ? printable(error.message) : 'is no CSV', error);
  }
}

function invalid(source: string, problem: string, cause?: unknown): UsageError {
  return new UsageError('WEIGHTS_INVALID', `${printable(source)}: ${problem}`, {
    hint: 'write one line `column,weight` for each column, or JSON such as {"age": 0.4, "amount": 0.1}',
    ...(cause === undefined ? {} : { cause }),
  });
}
