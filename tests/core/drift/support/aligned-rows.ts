import type { AlignedLevels, AlignedNumbers, AlignedRows } from '../../../../src/storage/tables/table.ts';

/** Rows side by side, from columns of numbers (NaN: missing) or levels (null: missing). */
export function alignedRows(
  columns: Readonly<Record<string, Cells>>,
  options: { totalRows?: number; datetimes?: readonly string[]; texts?: readonly string[] } = {},
): AlignedRows {
  const made = Object.entries(columns).map(([name, cells]) => {
    const type = options.datetimes?.includes(name) ? 'datetime' : 'numeric';
    return isNumeric(cells)
      ? ({ name, type, values: Float64Array.from(cells) } satisfies AlignedNumbers)
      : levels(name, cells, options.texts?.includes(name) ?? false);
  });
  const [first] = made;
  const rows = first === undefined ? 0 : 'values' in first ? first.values.length : first.codes.length;
  return { totalRows: options.totalRows ?? rows, rows, columns: made };
}

type Cells = ArrayLike<number> | readonly (string | boolean | null)[];

function isNumeric(cells: Cells): cells is ArrayLike<number> {
  return cells.length > 0 && Array.from<unknown>(cells).every((cell) => typeof cell === 'number');
}

function levels(name: string, cells: readonly (string | boolean | null)[], isText: boolean): AlignedLevels {
  const texts = Array.from(cells, (cell) => (cell === null ? null : String(cell)));
  const known = [...new Set(texts.filter((text) => text !== null))];
  const codes = Int32Array.from(texts, (text) => (text === null ? -1 : known.indexOf(text)));
  return { name, type: isText ? 'text' : 'categorical', codes, levels: known };
}
