import { utf8 } from '../values/number.ts';
import { makeBatch, MalformedText, type Batch, type RecordScanner } from './batch.ts';

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

export interface Header {
  names: string[];
  /** Where each name lies in the text. */
  places: number[];
  /** Where the first record begins. */
  end: number;
}

/**
 * Finds the cells of delimited text (RFC 4180): a cell that begins with a quote ends with one, `""` inside is a quote, and line ends
 * and delimiters inside belong to it. A quote inside a cell that does not begin with one is text. Lines end with LF, CR LF
 * or CR. Empty lines are skipped, but in a table of one column, where they are empty cells.
 */
export class CsvScanner implements RecordScanner {
  readonly #delimiter: number;
  /** Bytes that end a cell without quotes. */
  readonly #ends = new Uint8Array(256);
  /** Cells of the record under way that hold `""`. */
  readonly #escaped: number[] = [];
  /** Of the last record: how many cells it has, and where it ends. */
  #cells = 0;
  #stop = 0;

  constructor(delimiter: number) {
    this.#delimiter = delimiter;
    for (const byte of [delimiter, LF, CR]) this.#ends[byte] = 1;
  }

  scan(bytes: Uint8Array, from: number, last: boolean, batch: Batch): number {
    const { columns, capacity } = batch;
    batch.bytes = bytes;
    batch.rows = 0;
    let at = from;
    while (batch.rows < capacity && at < bytes.length) {
      const byte = bytes[at];
      if (columns > 1 && (byte === LF || byte === CR)) {
        at += 1;
        continue;
      }
      const next = this.#record(bytes, at, last, batch);
      if (next === -1) break;
      if (this.#cells < columns) throw tooFewCells(this.#stop, this.#cells, columns);
      batch.rows += 1;
      at = next;
    }
    return at;
  }

  /**
   * The first record of `bytes`, however many cells it has; undefined if there is none, or it is not complete.
   *
   * @throws MalformedText
   */
  header(bytes: Uint8Array, last: boolean): Header | undefined {
    let from = 0;
    while (from < bytes.length && (bytes[from] === LF || bytes[from] === CR)) from += 1;
    if (from === bytes.length) return undefined;
    let columns = 1;
    for (const byte of bytes) if (byte === this.#delimiter) columns += 1;
    const batch = { ...makeBatch(columns), bytes };
    const end = this.#record(bytes, from, last, batch);
    if (end === -1) return undefined;
    const starts = batch.starts.subarray(0, this.#cells);
    return {
      names: Array.from(starts, (start, cell) =>
        start < 0 ? '' : utf8(bytes, start, batch.ends[cell] as number),
      ),
      places: Array.from(starts, (start) => (start < 0 ? from : start)),
      end: Math.min(end, bytes.length),
    };
  }

  /** @returns where the next record begins, or -1 if this one is not complete */
  #record(bytes: Uint8Array, from: number, last: boolean, batch: Batch): number {
    const { columns, starts, ends } = batch;
    const delimiter = this.#delimiter;
    const stops = this.#ends;
    const { length } = bytes;
    const first = batch.rows * columns;
    let cell = first;
    const limit = first + columns;
    this.#escaped.length = 0;
    for (let at = from; ; at += 1) {
      let start = at;
      let end: number;
      if (at < length && bytes[at] === QUOTE) {
        end = this.#closingQuote(bytes, at, last, cell);
        if (end === -1) return -1;
        start += 1;
        at = end + 1;
      } else {
        while (at < length && stops[bytes[at] as number] === 0) at += 1;
        end = at;
      }
      if (at >= length && !last) return -1;
      if (cell === limit) throw tooManyCells(start, columns);
      starts[cell] = start === end ? -1 : start;
      ends[cell] = start === end ? -1 : end;
      cell += 1;
      if (at < length && bytes[at] === delimiter) continue;
      let next = at + 1;
      if (at < length && bytes[at] === CR) {
        // Whether an LF belongs to it is not known yet.
        if (at + 1 === length && !last) return -1;
        if (bytes[at + 1] === LF) next += 1;
      }
      this.#cells = cell - first;
      this.#stop = at;
      if (this.#escaped.length > 0) this.#unescape(batch);
      return next;
    }
  }

  /** @returns the place of the quote that ends the cell, or -1 if it is not there yet */
  #closingQuote(bytes: Uint8Array, open: number, last: boolean, cell: number): number {
    let escaped = false;
    for (let at = open + 1; ; at += 1) {
      while (at < bytes.length && bytes[at] !== QUOTE) at += 1;
      if (at + 1 >= bytes.length) {
        if (!last) return -1;
        if (at >= bytes.length) throw new MalformedText(open, 'a quoted cell begins here and does not end');
      } else if (bytes[at + 1] === QUOTE) {
        at += 1;
        escaped = true;
        continue;
      } else if (this.#ends[bytes[at + 1] as number] === 0) {
        throw new MalformedText(at + 1, 'text after the closing quote of a cell');
      }
      if (escaped) this.#escaped.push(cell);
      return at;
    }
  }

  #unescape({ bytes, starts, ends }: Batch): void {
    for (const cell of this.#escaped) {
      const end = ends[cell] as number;
      let to = starts[cell] as number;
      for (let at = to; at < end; at += 1) {
        const byte = bytes[at] as number;
        bytes[to] = byte;
        to += 1;
        if (byte === QUOTE) at += 1;
      }
      ends[cell] = to;
    }
  }
}

function tooManyCells(offset: number, columns: number): MalformedText {
  return new MalformedText(offset, `more cells than the ${columns} of the header`);
}

function tooFewCells(offset: number, cells: number, columns: number): MalformedText {
  return new MalformedText(offset, `${cells} of ${columns} cells: the row ends here`);
}
