import { readPlainNumber } from '../values/plain-number.ts';
import { utf8 } from '../values/number.ts';
import { makeBatch, MalformedText, type Batch, type Piece, type RecordScanner } from './batch.ts';

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
  readonly #stops = new Uint8Array(256);
  /** Cells of the record under way that hold `""`. */
  readonly #escaped: number[] = [];
  /** Of the last record: how many cells it has, and where it ends. */
  #cells = 0;
  #stop = 0;

  constructor(delimiter: number) {
    this.#delimiter = delimiter;
    for (const byte of [delimiter, LF, CR]) this.#stops[byte] = 1;
  }

  scan(piece: Piece, from: number, batch: Batch): number {
    const { columns, capacity, rowStarts, rowEnds } = batch;
    const { bytes, length } = piece;
    batch.bytes = bytes;
    batch.view = piece.view;
    let rows = 0;
    let at = from;
    while (rows < capacity && at < length) {
      const byte = bytes[at];
      if (columns > 1 && (byte === LF || byte === CR)) {
        at += 1;
        continue;
      }
      const next = this.#record(piece, at, batch, rows);
      if (next === -1) break;
      if (this.#cells < columns) throw tooFewCells(this.#stop, this.#cells, columns);
      rowStarts[rows] = at;
      rowEnds[rows] = this.#stop;
      rows += 1;
      at = next;
    }
    batch.rows = rows;
    return Math.min(at, length);
  }

  /**
   * The first record, however many cells it has; undefined if there is none, or it is not complete.
   *
   * @throws MalformedText
   */
  header(piece: Piece): Header | undefined {
    const { bytes, length } = piece;
    let from = 0;
    while (from < length && (bytes[from] === LF || bytes[from] === CR)) from += 1;
    if (from === length) return undefined;
    let columns = 1;
    for (let at = from; at < length; at += 1) if (bytes[at] === this.#delimiter) columns += 1;
    const batch = makeBatch(columns, { capacity: 1 });
    batch.bytes = bytes;
    const end = this.#record(piece, from, batch, 0);
    if (end === -1) return undefined;
    const starts = batch.starts.subarray(0, this.#cells);
    return {
      names: Array.from(starts, (start, cell) =>
        start < 0 ? '' : utf8(bytes, start, batch.ends[cell] as number),
      ),
      places: Array.from(starts, (start) => (start < 0 ? from : start)),
      end: Math.min(end, length),
    };
  }

  /** @returns where the next record begins, or -1 if this one is not complete */
  #record(piece: Piece, from: number, batch: Batch, row: number): number {
    const { bytes, length, last } = piece;
    const { columns, capacity, starts, ends, numeric, numbers } = batch;
    const delimiter = this.#delimiter;
    const stops = this.#stops;
    let column = 0;
    let cell = row;
    if (this.#escaped.length > 0) this.#escaped.length = 0;
    for (let at = from; ; at += 1) {
      let start = at;
      let end: number;
      const place = numeric[column] === 1 ? readPlainNumber(piece, at, numbers, cell) : -1;
      if (place !== -1 && stops[bytes[place] as number] === 1) {
        at = place;
        end = place;
      } else {
        numbers[cell] = Number.NaN;
        if (bytes[at] === QUOTE) {
          end = this.#closingQuote(piece, at, cell);
          if (end === -1) return -1;
          start += 1;
          at = end + 1;
        } else {
          while (stops[bytes[at] as number] === 0) at += 1;
          end = at;
        }
      }
      if (at >= length && !last) return -1;
      if (column === columns) throw tooManyCells(start, columns);
      const empty = start === end;
      starts[cell] = empty ? -1 : start;
      ends[cell] = empty ? -1 : end;
      cell += capacity;
      column += 1;
      if (bytes[at] === delimiter) continue;
      this.#cells = column;
      this.#stop = at;
      const next = nextLine(piece, at);
      // A record that is not complete is scanned once more, from its bytes as they are.
      if (next !== -1 && this.#escaped.length > 0) this.#unescape(batch);
      return next;
    }
  }

  /** @returns the place of the quote that ends the cell, or -1 if it is not there yet */
  #closingQuote({ bytes, length, last }: Piece, open: number, cell: number): number {
    let escaped = false;
    for (let at = open + 1; ; at += 1) {
      while (at < length && bytes[at] !== QUOTE) at += 1;
      if (at + 1 >= length) {
        if (!last) return -1;
        if (at >= length) throw new MalformedText(open, 'a quoted cell begins here and does not end');
      } else if (bytes[at + 1] === QUOTE) {
        at += 1;
        escaped = true;
        continue;
      } else if (this.#stops[bytes[at + 1] as number] === 0) {
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

/** @returns where the line begins that follows the line end at `at`, or -1 if that is not known yet */
function nextLine({ bytes, length, last }: Piece, at: number): number {
  const next = at + 1;
  if (bytes[at] !== CR) return next;
  // An LF may belong to it.
  if (next === length) return last ? next : -1;
  return bytes[next] === LF ? next + 1 : next;
}

function tooManyCells(offset: number, columns: number): MalformedText {
  return new MalformedText(offset, `more cells than the ${columns} of the header`);
}

function tooFewCells(offset: number, cells: number, columns: number): MalformedText {
  return new MalformedText(offset, `${cells} of ${columns} cells: the row ends here`);
}
