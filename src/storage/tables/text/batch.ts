/** Cells of some records, as places in the bytes that they were read from. */
export interface Batch {
  /** The bytes that `starts` and `ends` count in. Scanners change them to take escapes out of cells. */
  bytes: Uint8Array;
  /** Records here. */
  rows: number;
  readonly columns: number;
  readonly capacity: number;
  /** One a cell, record by record. A cell that is missing altogether (an empty one in CSV, null in JSON) has -1 in both. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** As many cells stay in the second-level cache with the bytes they lie in. */
const CELLS = 64 * 1024;

export function makeBatch(columns: number): Batch {
  const capacity = Math.max(1, Math.min(4096, Math.floor(CELLS / Math.max(1, columns))));
  const cells = capacity * columns;
  return {
    bytes: new Uint8Array(),
    rows: 0,
    columns,
    capacity,
    starts: new Int32Array(cells),
    ends: new Int32Array(cells),
  };
}

export interface RecordScanner {
  /**
   * Fills `batch` with complete records of `bytes` from `from` on.
   *
   * @param last nothing follows `bytes`, so that what is left is complete
   * @returns where the first record begins that was not taken
   * @throws MalformedText with a place in `bytes`
   */
  scan(bytes: Uint8Array, from: number, last: boolean, batch: Batch): number;
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
