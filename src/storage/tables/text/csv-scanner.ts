import { joinDigits, parseDigits, POWERS_OF_TEN, utf8 } from '../values/number.ts';
import { makeBatch, MalformedText, type Batch, type Piece, type RecordScanner } from './batch.ts';

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
/** So many digits always fit into 32 bits. */
const SHORT = 9;

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
    for (const byte of bytes.subarray(0, length)) if (byte === this.#delimiter) columns += 1;
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
  #record({ bytes, length, last }: Piece, from: number, batch: Batch, row: number): number {
    const { columns, capacity, starts, ends, numeric, numbers } = batch;
    const delimiter = this.#delimiter;
    const stops = this.#stops;
    let column = 0;
    let cell = row;
    if (this.#escaped.length > 0) this.#escaped.length = 0;
    for (let at = from; ; at += 1) {
      let start = at;
      let end = at;
      let number = Number.NaN;
      let plain = false;
      if (numeric[column] === 1) {
        // A number in plain digits, which most are, is read in passing: 9 digits fit into 32 bits, and two times 9 make it exact.
        const negative = bytes[at] === MINUS;
        const begin = negative ? at + 1 : at;
        let place = begin;
        let high = 0;
        let digit = (bytes[place] as number) - ZERO;
        while (digit >>> 0 < 10) {
          high = (Math.imul(high, 10) + digit) | 0;
          place += 1;
          digit = (bytes[place] as number) - ZERO;
        }
        let digits = place - begin;
        let fraction = 0;
        let low = 0;
        let lowDigits = 0;
        if (bytes[place] === DOT && digits <= SHORT) {
          const point = (place += 1);
          const middle = begin + 1 + SHORT;
          digit = (bytes[place] as number) - ZERO;
          while (digit >>> 0 < 10 && place < middle) {
            high = (Math.imul(high, 10) + digit) | 0;
            place += 1;
            digit = (bytes[place] as number) - ZERO;
          }
          if (digit >>> 0 < 10) {
            const first = place;
            while (digit >>> 0 < 10) {
              low = (Math.imul(low, 10) + digit) | 0;
              place += 1;
              digit = (bytes[place] as number) - ZERO;
            }
            lowDigits = place - first;
          }
          fraction = place - point;
          digits += fraction;
        }
        if (digits > 0 && stops[bytes[place] as number] === 1) {
          plain = true;
          end = at = place;
          if (digits <= SHORT) number = fraction === 0 ? high : high / (POWERS_OF_TEN[fraction] as number);
          else if (lowDigits === 0 || lowDigits > SHORT) number = parseDigits(bytes, begin, end, fraction);
          else number = joinDigits(high, low, lowDigits, fraction);
          if (number !== number) number = parseDigits(bytes, begin, end, fraction);
          if (negative) number = -number;
        }
      }
      if (plain) {
        // `at` is where the cell ends.
      } else if (bytes[at] === QUOTE) {
        end = this.#closingQuote({ bytes, length, last }, at, cell);
        if (end === -1) return -1;
        start += 1;
        at = end + 1;
      } else {
        while (stops[bytes[at] as number] === 0) at += 1;
        end = at;
      }
      if (at >= length && !last) return -1;
      if (column === columns) throw tooManyCells(start, columns);
      const empty = start === end;
      starts[cell] = empty ? -1 : start;
      ends[cell] = empty ? -1 : end;
      numbers[cell] = number;
      cell += capacity;
      column += 1;
      const byte = bytes[at];
      if (byte === delimiter) continue;
      let next = at + 1;
      if (byte === CR) {
        // Whether an LF belongs to it is not known yet.
        if (next === length && !last) return -1;
        if (bytes[next] === LF && next < length) next += 1;
      }
      this.#cells = column;
      this.#stop = at;
      if (this.#escaped.length > 0) this.#unescape(batch);
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

function tooManyCells(offset: number, columns: number): MalformedText {
  return new MalformedText(offset, `more cells than the ${columns} of the header`);
}

function tooFewCells(offset: number, cells: number, columns: number): MalformedText {
  return new MalformedText(offset, `${cells} of ${columns} cells: the row ends here`);
}
