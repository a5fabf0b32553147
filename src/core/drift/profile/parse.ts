import { MlopsError, UsageError } from '../../../errors.ts';
import { parseJson } from '../../../lib/parse-json.ts';
import { printable } from '../../../lib/terminal-text.ts';
import type { CategoricalSummary, ColumnSummary, PinnedColumn } from '../summary.ts';
import {
  type ColumnDocument,
  type LevelsDocument,
  PROFILE_LIMITS,
  ProfileDocument,
  type TextsDocument,
} from './document.ts';
import { decodeNumbers, emptyDistribution } from './parse-numbers.ts';
import { type Place, placeIn } from './place.ts';
import type { Profile, ProfileColumn } from './profile.ts';

/**
 * A profile that anybody may have written: whatever passes can be compared without a surprise.
 *
 * @param source path or name, for messages
 * @throws UsageError `PROFILE_INVALID`, `FORMAT_UNSUPPORTED` naming the source and the place
 */
export function parseProfile(bytes: Uint8Array, source: string): Profile {
  const place = placeIn(source);
  const value = parseText(bytes, source, place);
  const result = ProfileDocument.safeParse(value);
  if (!result.success) {
    refuseNewer(value, source);
    const [issue] = result.error.issues;
    throw place.at((issue?.path ?? []).join('.')).problem(issue?.message ?? 'is no profile');
  }
  const { rows, duplicates, labels, minCount, columns } = result.data;
  if (duplicates !== undefined && duplicates.rows > rows) {
    throw place.at('duplicates').problem(`${duplicates.rows} of ${rows} rows`);
  }
  const names = new Set<string>();
  const decoded = columns.map((column, index) => {
    const here = place.at(`columns.${index}`).at(`\`${printable(column.name.slice(0, 60))}\``);
    if (names.has(column.name)) throw here.problem('is listed twice');
    names.add(column.name);
    return decodeColumn(column, rows, here);
  });
  return {
    rows,
    duplicates: duplicates ?? null,
    labels: labels === undefined ? null : { scheme: labels.scheme, key: labels.key },
    minCount: minCount ?? null,
    columns: decoded,
  };
}

function parseText(bytes: Uint8Array, source: string, place: Place): unknown {
  try {
    return parseJson(bytes, { source, maxBytes: PROFILE_LIMITS.bytes });
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    throw place.because(error);
  }
}

function refuseNewer(value: unknown, source: string): void {
  const schema = typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;
  if (typeof schema !== 'string' || !/^mlops\.profile\/(?:[2-9]|[1-9]\d{1,5})$/.test(schema)) return;
  throw new UsageError(
    'FORMAT_UNSUPPORTED',
    `${source} is written as ${schema}, which this version does not know`,
    {
      hint: 'install a newer mlops',
    },
  );
}

function decodeColumn(column: ColumnDocument, rows: number, place: Place): ProfileColumn {
  const { name, type, reason, pinned, skipped, integers } = column;
  const known = { name, pinned, characters: 0 };
  if (type === undefined || skipped !== undefined) return { ...known, pin: null, skipped, summary: null };
  const pin: PinnedColumn = {
    name,
    type,
    reason,
    ...(integers && type === 'categorical' ? { integers } : {}),
  };
  const summary = decodeSummary({ ...column, type }, rows, place);
  const characters = type === 'text' ? (column.texts?.characters ?? 0) : 0;
  return { ...known, pin, skipped: undefined, summary, characters };
}

function decodeSummary(
  column: ColumnDocument & Pick<PinnedColumn, 'type'>,
  rows: number,
  place: Place,
): ColumnSummary {
  const { name, type, lacking, values, lengths, levels, texts } = column;
  if (lacking === undefined) throw place.problem('has no member "lacking"');
  const { nulls, unparsable, nan, positiveInfinite, negativeInfinite } = lacking;
  const base = { name, rows, nulls, unparsable, unparsableExamples: [] };
  const expect = (present: number): void => {
    const all = present + nulls + unparsable;
    if (all !== rows) throw place.problem(`counts ${all} cells of ${rows} rows`);
  };
  switch (type) {
    case 'numeric':
    case 'datetime': {
      const distribution =
        values === undefined ? emptyDistribution() : decodeNumbers(values, place.at('values'));
      expect(distribution.total + nan + positiveInfinite + negativeInfinite);
      return { ...base, type, nan, positiveInfinite, negativeInfinite, distribution };
    }
    case 'categorical':
    case 'boolean': {
      if (levels === undefined) throw place.problem('has no member "levels"');
      const decoded = decodeLevels(levels, place.at('levels'));
      expect(decoded.listed + levels.pooled.rows);
      const { counts, distinct, distinctExact, pooled } = decoded;
      return { ...base, type, counts, distinct, distinctExact, pooled };
    }
    case 'text': {
      if (texts === undefined) throw place.problem('has no member "texts"');
      const distribution =
        lengths === undefined ? emptyDistribution() : decodeNumbers(lengths, place.at('lengths'));
      expect(distribution.total);
      if ((distribution.min ?? 0) < 0) throw place.at('lengths').problem('a length is below 0');
      return { ...base, type, distribution, ...decodeTexts(texts, distribution.rows, place.at('texts')) };
    }
  }
}

function decodeLevels(
  { rows, distinct, exact, pooled }: LevelsDocument,
  place: Place,
): Pick<CategoricalSummary, 'counts' | 'distinct' | 'distinctExact' | 'pooled'> & { listed: number } {
  const counts = new Map<string, number>();
  let listed = 0;
  for (const [index, line] of rows.entries()) {
    const count = Number(/^[1-9]\d{0,15}(?= )/.exec(line)?.[0] ?? Number.NaN);
    if (!Number.isSafeInteger(count)) throw place.at(`rows.${index}`).problem('is not "<rows> <level>"');
    const level = line.slice(line.indexOf(' ') + 1);
    if (counts.has(level)) throw place.at(`rows.${index}`).problem('is a level that was listed before');
    counts.set(level, count);
    listed += count;
  }
  if (pooled.rows < pooled.levels || (pooled.levels === 0 && pooled.rows > 0)) {
    throw place.at('pooled').problem(`${pooled.rows} rows of ${pooled.levels} levels`);
  }
  if (distinct < counts.size)
    throw place.at('distinct').problem(`${distinct}, but ${counts.size} levels are listed`);
  return { counts, distinct, distinctExact: exact, pooled, listed };
}

function decodeTexts(texts: TextsDocument, compared: number, place: Place) {
  const { letter, digit, space, punctuation, other, characters, effective, distinct, exact, empty } = texts;
  const sum = letter + digit + space + punctuation + other;
  const isSound = characters > 0 ? Math.abs(sum - 1) < 1e-6 : sum === 0;
  if (!isSound) throw place.problem('the shares of characters do not add up to 1');
  if (effective > compared + 1e-6) throw place.at('effective').problem(`${effective} of ${compared} texts`);
  return {
    classShares: { letter, digit, space, punctuation, other },
    effectiveTexts: effective,
    distinct,
    distinctExact: exact,
    emptyStrings: empty,
  };
}
