import { canonicalJson, type JsonValue } from '../../../lib/canonical-json.ts';
import type { Distribution } from '../distribution.ts';
import type { CategoricalSummary, ColumnSummary, TextSummary } from '../summary.ts';
import { numberText, writeNumbers } from './number-list.ts';
import { PROFILE_SCHEMA, type Profile, type ProfileColumn } from './profile.ts';

type JsonObject = Record<string, JsonValue | undefined>;

/** The canonical bytes of a profile: equal profiles have equal bytes. */
export function encodeProfile({ rows, duplicates, labels, minCount, columns }: Profile): Uint8Array {
  return Buffer.from(
    canonicalJson({
      schema: PROFILE_SCHEMA,
      rows,
      duplicates: duplicates === null ? undefined : { rows: duplicates.rows, exact: duplicates.exact },
      labels: labels === null ? undefined : { scheme: labels.scheme, key: labels.key },
      minCount: minCount ?? undefined,
      columns: columns.map(encodeColumn),
    }),
  );
}

function encodeColumn({ name, pin, pinned, skipped, summary, characters }: ProfileColumn): JsonObject {
  if (pin === null || summary === null) return { name, skipped };
  const { nulls, unparsable } = summary;
  const common = {
    name,
    type: pin.type,
    reason: pin.reason,
    pinned,
    integers: pin.integers === true ? true : undefined,
    lacking: { nulls, unparsable, ...nonFinite(summary) },
  };
  switch (summary.type) {
    case 'numeric':
    case 'datetime':
      return { ...common, values: encodeDistribution(summary.distribution) };
    case 'categorical':
    case 'boolean':
      return { ...common, levels: encodeLevels(summary) };
    case 'text':
      return {
        ...common,
        lengths: encodeDistribution(summary.distribution),
        texts: encodeTexts(summary, characters),
      };
  }
}

function nonFinite(summary: ColumnSummary): JsonObject {
  if (summary.type !== 'numeric' && summary.type !== 'datetime') return {};
  const { nan, positiveInfinite, negativeInfinite } = summary;
  return {
    nan: nan || undefined,
    positiveInfinite: positiveInfinite || undefined,
    negativeInfinite: negativeInfinite || undefined,
  };
}

function encodeDistribution(distribution: Distribution): JsonObject | undefined {
  const { values, error, rows, total, effective, r, ordered, top } = distribution;
  if (rows === 0) return undefined;
  const frequent = top.map(({ value, share }) => ({ value, rows: rowsOf(share, rows) }));
  const others = rowsOf(distribution.others ?? top.at(-1)?.share ?? 1, rows);
  return {
    compared: rows,
    total,
    effective,
    autocorrelation: r ?? undefined,
    ordered: ordered ? true : undefined,
    error,
    knots: writeNumbers(values),
    frequent: frequent.map((entry) => `${numberText(entry.rows)} ${numberText(entry.value)}`),
    others: others === frequent.at(-1)?.rows ? undefined : others,
  };
}

/** Shares are kept as rows: what comes next to a whole number is one. Of merged samples they are not. */
function rowsOf(share: number, rows: number): number {
  const exact = share * rows;
  const whole = Math.round(exact);
  return Math.abs(exact - whole) < 1e-6 ? whole : exact;
}

function encodeLevels({ counts, distinct, distinctExact, pooled }: CategoricalSummary): JsonObject {
  const rows = [...counts].toSorted(([x], [y]) => (x < y ? -1 : 1));
  return {
    rows: rows.map(([level, count]) => `${count} ${level}`),
    distinct,
    exact: distinctExact,
    pooled: pooled.levels === 0 ? undefined : { levels: pooled.levels, rows: pooled.rows },
  };
}

function encodeTexts(summary: TextSummary, characters: number): JsonObject {
  const { classShares, effectiveTexts, distinct, distinctExact, emptyStrings } = summary;
  const { letter, digit, space, punctuation, other } = classShares;
  return {
    letter,
    digit,
    space,
    punctuation,
    other,
    characters,
    effective: effectiveTexts,
    distinct,
    exact: distinctExact,
    empty: emptyStrings,
  };
}
