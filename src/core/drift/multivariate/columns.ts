import type { AlignedLevels, AlignedNumbers, AlignedRows } from '../../../storage/tables/table.ts';

/** One column on both sides. */
export type SharedColumn =
  | {
      readonly name: string;
      readonly kind: 'numbers';
      readonly reference: Float64Array;
      readonly current: Float64Array;
    }
  | {
      readonly name: string;
      readonly kind: 'levels';
      readonly reference: readonly (string | null)[];
      readonly current: readonly (string | null)[];
    };

export interface ChosenColumns {
  readonly columns: readonly SharedColumn[];
  readonly skipped: readonly { readonly column: string; readonly reason: string }[];
}

/** More columns than this take too long, and say no more together than so many. */
export const MOST_COLUMNS = 300;
/** A column whose levels are nearly all different tells rows apart, not data sets. */
const MOST_DISTINCT = 0.5;
const FEW = 50;

/** The columns of which a model may learn to tell the sides apart, and why others are left out. */
export function chooseColumns(reference: AlignedRows, current: AlignedRows): ChosenColumns {
  const columns: SharedColumn[] = [];
  const skipped: { column: string; reason: string }[] = [];
  for (const before of reference.columns) {
    const after = current.columns.find(({ name }) => name === before.name);
    const reason = after === undefined ? 'the current data does not have it' : reasonAgainst(before, after);
    if (after !== undefined && reason === undefined && columns.length < MOST_COLUMNS)
      columns.push(share(before, after));
    else skipped.push({ column: before.name, reason: reason ?? `more than ${MOST_COLUMNS} columns` });
  }
  return { columns, skipped };
}

type Column = AlignedNumbers | AlignedLevels;

function reasonAgainst(before: Column, after: Column): string | undefined {
  if (before.type === 'datetime') return 'times of two batches differ by their nature';
  if (before.type === 'text') return 'free text is not looked at';
  if ('values' in before !== 'values' in after) return 'its type differs';
  if ('values' in before && 'values' in after) {
    if (countsRows(before.values) && countsRows(after.values)) return 'it numbers the rows';
    return isConstant([...distinctNumbers(before.values), ...distinctNumbers(after.values)])
      ? 'it is constant'
      : undefined;
  }
  if (!('codes' in before && 'codes' in after)) return undefined;
  const used = new Set([...usedLevels(before), ...usedLevels(after)]);
  if (used.size > FEW && used.size > MOST_DISTINCT * (before.codes.length + after.codes.length)) {
    return 'nearly every row has a level of its own';
  }
  return used.size < 2 && !hasMissing(before) && !hasMissing(after) ? 'it is constant' : undefined;
}

/** Whole numbers that rise from row to row. */
function countsRows(values: Float64Array): boolean {
  return (
    values.length > 2 &&
    values.every(
      (value, row) => Number.isInteger(value) && (row === 0 || value > (values[row - 1] as number)),
    )
  );
}

/** Up to two different values, NaN being one. */
function distinctNumbers(values: Float64Array): number[] {
  const first = values[0];
  const other = values.find((value) => !Object.is(value, first));
  return first === undefined ? [] : other === undefined ? [first] : [first, other];
}

function isConstant(values: readonly number[]): boolean {
  return values.every((value) => Object.is(value, values[0]));
}

function usedLevels({ codes, levels }: AlignedLevels): string[] {
  return Array.from(new Set(codes)).flatMap((code) => levels[code] ?? []);
}

function hasMissing({ codes }: AlignedLevels): boolean {
  return codes.includes(-1);
}

function share(before: Column, after: Column): SharedColumn {
  if ('values' in before && 'values' in after) {
    return { name: before.name, kind: 'numbers', reference: before.values, current: after.values };
  }
  return { name: before.name, kind: 'levels', reference: levelsOf(before), current: levelsOf(after) };
}

function levelsOf(column: Column): (string | null)[] {
  return 'values' in column ? [] : Array.from(column.codes, (code) => column.levels[code] ?? null);
}
