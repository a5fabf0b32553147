/**
 * Cells of some records, as places in the bytes that they were read from. The same batch is filled again and again. What is one a cell
 * lies column by column: the cell of a row is at `column * capacity + row`.
 */
export interface Batch {
  /** The bytes that `starts` and `ends` count in. Scanners change them to take escapes out of cells. */
  bytes: Buffer;
  /** The same bytes, to be read four at a time. */
  view: DataView;
  /** Records here. */
  rows: number;
  readonly columns: number;
  readonly capacity: number;
  /** A cell that is missing altogether (an empty one in CSV, null in JSON) has -1 in both. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** One a record. */
  readonly rowStarts: Int32Array;
  readonly rowEnds: Int32Array;
  /** 1 for columns whose numbers are wanted. */
  readonly numeric: Uint8Array;
  /** In those columns the number of each cell that is a plain one; NaN where {@link parseNumber} must be asked. */
  readonly numbers: Float64Array;
}

/** As many cells stay in the second-level cache with the bytes they lie in. */
const CELLS = 32 * 1024;

export function makeBatch(columns: number, { capacity }: { capacity?: number } = {}): Batch {
  const rows = capacity ?? Math.max(1, Math.min(4096, Math.floor(CELLS / Math.max(1, columns))));
  const cells = rows * columns;
  return {
    ...windowOn(Buffer.alloc(0)),
    rows: 0,
    columns,
    capacity: rows,
    starts: new Int32Array(cells),
    ends: new Int32Array(cells),
    rowStarts: new Int32Array(rows),
    rowEnds: new Int32Array(rows),
    numeric: new Uint8Array(columns),
    numbers: new Float64Array(cells).fill(Number.NaN),
  };
}

/** A piece of text that ends with a line feed which is not part of it, so that loops need not look for the end. */
export interface Piece {
  bytes: Buffer;
  view: DataView;
  /** Where the text ends: `bytes` has a line feed there. */
  length: number;
  /** Nothing follows, so that what is left is complete. */
  last: boolean;
}

export interface RecordScanner {
  /**
   * Fills `batch` with complete records of `piece` from `from` on.
   *
   * @returns where the first record begins that was not taken
   * @throws MalformedText with a place in `bytes`
   */
  scan(piece: Piece, from: number, batch: Batch): number;
}

/** What is wrong with a text and where: at a byte of what was scanned. */
export class MalformedText extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.name = 'MalformedText';
    this.offset = offset;
  }
}

/** So many bytes lie behind the text of a piece: the line feed, and what is read with the last bytes but is none of them. */
export const PADDING = 8;

/** A text of its own as a piece. */
export function pieceOf(text: Buffer, last: boolean): Piece {
  const bytes = Buffer.alloc(text.length + PADDING);
  text.copy(bytes);
  bytes[text.length] = 0x0a;
  return { ...windowOn(bytes), length: text.length, last };
}

export function windowOn(bytes: Buffer): { bytes: Buffer; view: DataView } {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}
