import { parseDatetime } from '../values/datetime.ts';
import { parseNumber, utf8 } from '../values/number.ts';
import { MalformedText, type Batch, type Piece, type RecordScanner } from './batch.ts';
import { afterNested, afterNumber, afterSpace, afterString, afterWord } from './json-values.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BACKSLASH = 0x5c;
const LOWER_N = 0x6e;

export type JsonKind = 'text' | 'time' | 'number' | 'boolean' | 'nested';

/** What is told of the values while keys are found out. */
export interface JsonColumns {
  /** The place of a key that was not met before; -1 to leave its values out. */
  add(name: string): number;
  /** Told of each value that is not null. */
  value?(column: number, kind: JsonKind): void;
}

/** Where the scanner is between two objects. */
type Between = 'start' | 'lines' | 'first' | 'element' | 'after' | 'end';

/**
 * Finds the values of objects that come one after the other (JSON lines, or whatever white space is between them) or are the elements of
 * one array. Strict JSON (RFC 8259), but for `NaN`, `Infinity` and `-Infinity`, which Python writes. Nested values are their text.
 */
export class JsonScanner implements RecordScanner {
  readonly #columns: Map<string, number>;
  readonly #added: JsonColumns;
  /** Keys as they lie in the text, in the order of the last object: the next one most likely has the same. */
  #expected: { bytes: Buffer; column: number }[] = [];
  /** Objects so far, to know keys that come twice. */
  #object = 0;
  #seen: Uint32Array;
  #between: Between = 'start';
  /** Of the object under way: cells whose text holds escapes. */
  readonly #escaped: number[] = [];

  constructor(names: readonly string[], added: JsonColumns) {
    this.#columns = new Map(names.map((name, column) => [name, column]));
    this.#added = added;
    this.#seen = new Uint32Array(Math.max(16, names.length));
  }

  scan(piece: Piece, from: number, batch: Batch): number {
    batch.bytes = piece.bytes;
    batch.view = piece.view;
    batch.rows = 0;
    let at = from;
    while (batch.rows < batch.capacity) {
      at = this.#toObject(piece, at);
      if (at >= piece.length || this.#between === 'end') break;
      const next = this.#record(piece, at, batch);
      if (next === -1) break;
      batch.rowStarts[batch.rows] = at;
      batch.rowEnds[batch.rows] = next;
      batch.rows += 1;
      at = next;
      this.#between = this.#between === 'lines' ? 'lines' : 'after';
    }
    return at;
  }

  /** Goes over what is between two objects. @returns where the next one begins, or the end of the piece */
  #toObject(piece: Piece, from: number): number {
    for (let at = from; ; at += 1) {
      at = afterSpace(piece, at);
      if (at >= piece.length) {
        const open = this.#between === 'first' || this.#between === 'element' || this.#between === 'after';
        if (open && piece.last)
          throw new MalformedText(piece.length, 'the array ends here without its bracket');
        return piece.length;
      }
      const byte = piece.bytes[at];
      if (this.#between === 'start' && byte === OPEN_ARRAY) this.#between = 'first';
      else if (this.#between === 'after' && byte === COMMA) this.#between = 'element';
      else if ((this.#between === 'after' || this.#between === 'first') && byte === CLOSE_ARRAY)
        this.#between = 'end';
      else {
        if (this.#between === 'end') throw new MalformedText(at, 'text behind the end of the array');
        if (this.#between === 'after')
          throw new MalformedText(at, 'a comma or the end of the array is expected here');
        if (byte !== OPEN_OBJECT)
          throw new MalformedText(at, 'an object is expected here: {"name": value, ...}');
        if (this.#between === 'start') this.#between = 'lines';
        return at;
      }
    }
  }

  /** @returns where the object ends, or -1 if it is not complete */
  #record(piece: Piece, open: number, batch: Batch): number {
    const { bytes, length } = piece;
    this.#beginRow(batch);
    let at = afterSpace(piece, open + 1);
    if (at < length && bytes[at] === CLOSE_OBJECT) return at + 1;
    for (let field = 0; ; field += 1) {
      const column = this.#key(piece, at, field);
      if (column === -2) return this.#incomplete(piece, open);
      at = afterSpace(piece, this.#after);
      if (at >= length) return this.#incomplete(piece, open);
      if (bytes[at] !== COLON) throw new MalformedText(at, 'a colon is expected here');
      at = this.#value(piece, afterSpace(piece, at + 1), batch, column);
      if (at === -1) return this.#incomplete(piece, open);
      at = afterSpace(piece, at);
      if (at >= length) return this.#incomplete(piece, open);
      if (bytes[at] === CLOSE_OBJECT) break;
      if (bytes[at] !== COMMA)
        throw new MalformedText(at, 'a comma or the end of the object is expected here');
      at = afterSpace(piece, at + 1);
    }
    if (this.#escaped.length > 0) this.#unescape(batch);
    return at + 1;
  }

  #incomplete({ length, last }: Piece, open: number): number {
    if (last)
      throw new MalformedText(
        open,
        `an object begins here and does not end (${length - open} bytes are left)`,
      );
    return -1;
  }

  #beginRow({ rows, columns, capacity, starts, ends, numbers }: Batch): void {
    this.#object += 1;
    this.#escaped.length = 0;
    for (let column = 0, cell = rows; column < columns; column += 1, cell += capacity) {
      starts[cell] = -1;
      ends[cell] = -1;
      numbers[cell] = Number.NaN;
    }
  }

  /** Where the last key ended. */
  #after = 0;

  /** @returns the column of the key that begins at `at`: -1 if it is not wanted, -2 if it is not complete */
  #key(piece: Piece, at: number, field: number): number {
    const { bytes, length } = piece;
    if (at >= length) return -2;
    if (bytes[at] !== QUOTE) throw new MalformedText(at, 'a name in double quotes is expected here');
    const expected = this.#expected[field];
    let column: number;
    if (expected !== undefined && startsWith(bytes, at, expected.bytes)) {
      this.#after = at + expected.bytes.length;
      column = expected.column;
    } else {
      const end = afterString(piece, at);
      if (end === -1) return -2;
      this.#after = end;
      column = this.#columnOf(bytes, at, end);
      this.#expected[field] = { bytes: Buffer.from(bytes.subarray(at, end)), column };
    }
    if (column >= 0) {
      if (this.#seen[column] === this.#object)
        throw new MalformedText(at, 'the second value of this name in one object');
      this.#seen[column] = this.#object;
    }
    return column;
  }

  #columnOf(bytes: Buffer, start: number, end: number): number {
    const name = textOf(bytes, start, end);
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = this.#added.add(name);
      this.#columns.set(name, column);
    }
    if (column >= this.#seen.length) {
      const seen = new Uint32Array(2 * column);
      seen.set(this.#seen);
      this.#seen = seen;
    }
    return column;
  }

  /** @returns where the value ends, or -1 if it is not complete */
  #value(piece: Piece, at: number, batch: Batch, column: number): number {
    const { bytes } = piece;
    if (at >= piece.length) return -1;
    const byte = bytes[at] as number;
    let kind: JsonKind;
    let end: number;
    if (byte === QUOTE) {
      kind = 'text';
      end = afterString(piece, at);
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      kind = 'nested';
      end = afterNested(piece, at);
    } else if (byte >= 0x61) {
      kind = 'boolean';
      end = afterWord(piece, at);
      if (byte === LOWER_N) return end;
    } else {
      kind = 'number';
      end = afterNumber(piece, at);
    }
    if (end === -1 || column < 0) return end;
    const inner = kind === 'text' ? 1 : 0;
    if (this.#added.value !== undefined) {
      const isTime = kind === 'text' && !Number.isNaN(parseDatetime(bytes, at + 1, end - 1));
      this.#added.value(column, isTime ? 'time' : kind);
    }
    if (column < batch.columns) this.#store(batch, column, { start: at + inner, end: end - inner, kind });
    return end;
  }

  #store(
    batch: Batch,
    column: number,
    { start, end, kind }: { start: number; end: number; kind: JsonKind },
  ): void {
    const { bytes } = batch;
    const cell = column * batch.capacity + batch.rows;
    batch.starts[cell] = start;
    batch.ends[cell] = end;
    if (kind === 'number') {
      if (batch.numeric[column] === 1) {
        const number = parseNumber(bytes, start, end);
        if (number - number === 0) batch.numbers[cell] = number;
      }
    } else if (kind === 'text') {
      for (let at = start; at < end; at += 1) {
        if (bytes[at] !== BACKSLASH) continue;
        this.#escaped.push(cell);
        break;
      }
    }
  }

  /** What escapes stand for is never longer than they are. */
  #unescape({ bytes, starts, ends }: Batch): void {
    for (const cell of this.#escaped) {
      const start = starts[cell] as number;
      ends[cell] = start + bytes.write(textOf(bytes, start - 1, (ends[cell] as number) + 1), start);
    }
  }
}

/** @param start of the opening quote; the closing one is before `end` */
function textOf(bytes: Buffer, start: number, end: number): string {
  const text = utf8(bytes, start, end);
  if (!text.includes('\\')) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new MalformedText(start, 'an escape in the text that begins here is none of JSON');
  }
}

function startsWith(bytes: Buffer, at: number, start: Buffer): boolean {
  for (let index = 0; index < start.length; index += 1) if (bytes[at + index] !== start[index]) return false;
  return true;
}
