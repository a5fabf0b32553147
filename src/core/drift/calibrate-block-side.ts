import type {
  AlignedLevels,
  AlignedNumbers,
  AlignedRows,
  CharacterShares,
  ColumnData,
} from '../../storage/tables/table.ts';
import type { Side } from './side.ts';
import { type PinnedColumn, summarise } from './summary.ts';

export interface Block {
  name: string;
  pinned: readonly PinnedColumn[];
  /** Places in the aligned rows. */
  rows: Int32Array;
}

/** Some of the rows as a side. Nulls and cells that could not be read are one and the same in aligned rows, and count as nulls. */
export function blockSide(aligned: AlignedRows, { name, pinned, rows }: Block): Side {
  const known = new Map(aligned.columns.map((column) => [column.name, column]));
  return {
    name,
    kind: 'table',
    columns: pinned.map((column) => ({
      name: column.name,
      inferred: column,
      declared: undefined,
      skipped: undefined,
    })),
    facts: () => ({ rows: rows.length, duplicates: null, notes: [] }),
    read: async (plan) =>
      (async function* summaries() {
        for (const { name: wanted } of plan) {
          const column = known.get(wanted);
          if (column === undefined)
            throw new Error(`the split rows lack the column ${JSON.stringify(wanted)}`);
          yield summarise('values' in column ? numbersOf(column, rows) : levelsOf(column, rows));
        }
      })(),
  };
}

function numbersOf({ name, type, values }: AlignedNumbers, rows: Int32Array): ColumnData {
  const taken = new Float64Array(rows.length);
  let count = 0;
  for (const row of rows) {
    const value = values[row] as number;
    if (Number.isNaN(value)) continue;
    taken[count] = value;
    count += 1;
  }
  const present = taken.subarray(0, count);
  return {
    ...baseOf(name, rows.length, rows.length - count),
    type,
    values: present,
    sampled: false,
    consecutive: present,
    finite: count,
    nan: 0,
    positiveInfinite: 0,
    negativeInfinite: 0,
    min: undefined,
    max: undefined,
    top: undefined,
  };
}

function baseOf(name: string, rows: number, nulls: number) {
  return { name, rows, nulls, unparsable: 0, unparsableExamples: [] };
}

function levelsOf(column: AlignedLevels, rows: Int32Array): ColumnData {
  const { name, type, codes, levels } = column;
  if (type === 'text') return textsOf(column, rows);
  const counts = new Map<string, number>();
  let nulls = 0;
  for (const row of rows) {
    const level = levels[codes[row] as number];
    if (level === undefined) nulls += 1;
    else counts.set(level, (counts.get(level) ?? 0) + 1);
  }
  return {
    ...baseOf(name, rows.length, nulls),
    type,
    counts,
    distinct: counts.size,
    distinctExact: true,
    pooled: { levels: 0, rows: 0 },
  };
}

const CLASSES = ['letter', 'digit', 'space', 'punctuation', 'other'] as const;

function textsOf({ name, codes, levels }: AlignedLevels, rows: Int32Array): ColumnData {
  const lengths: number[] = [];
  const distinct = new Set<number>();
  const counts = { letter: 0, digit: 0, space: 0, punctuation: 0, other: 0 };
  let all = 0;
  for (const row of rows) {
    const code = codes[row] as number;
    const text = levels[code];
    if (text === undefined) continue;
    distinct.add(code);
    let length = 0;
    for (const character of text) {
      counts[classOf(character)] += 1;
      length += 1;
    }
    lengths.push(length);
    all += length;
  }
  const shares = { ...counts } satisfies CharacterShares;
  for (const kind of CLASSES) shares[kind] = all === 0 ? 0 : counts[kind] / all;
  return {
    ...baseOf(name, rows.length, rows.length - lengths.length),
    type: 'text',
    lengths: Float64Array.from(lengths),
    sampled: false,
    classShares: shares,
    distinct: distinct.size,
    distinctExact: true,
    emptyStrings: lengths.filter((length) => length === 0).length,
  };
}

/** As the readers of files tell characters apart. */
function classOf(character: string): (typeof CLASSES)[number] {
  if (/\p{L}/u.test(character)) return 'letter';
  if (/\p{N}/u.test(character)) return 'digit';
  if (/[\p{Z}\t\n\r\v\f]/u.test(character)) return 'space';
  return /[\p{P}\p{S}]/u.test(character) ? 'punctuation' : 'other';
}
