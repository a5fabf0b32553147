import { BOOLEAN_WORDS, DISTINCT_LIMIT, type ColumnEvidence, type TableColumn } from '../table.ts';
import type { Batch } from '../text/batch.ts';
import { booleanWord } from '../values/boolean.ts';
import { parseDatetime } from '../values/datetime.ts';
import { isNanWord, parseNumber, utf8 } from '../values/number.ts';
import type { NullTokens } from '../values/null-tokens.ts';
import { hashCell, hashOf } from './byte-hash.ts';
import { cut } from './column-sink.ts';
import { DistinctCounter } from './distinct-counter.ts';

const EXAMPLES = 3;
/** Different values that all columns of a table may remember together. */
const REMEMBERED = 4_000_000;
const ZERO = 0x30;
const COMMA = 0x2c;
const EXACT = 2 ** 53;
/** Numbers of a typed file that tell how long their text is. */
const MEASURED = 1000;
const DOUBLE = new Float64Array(1);
const WORDS = new Int32Array(DOUBLE.buffer);
/** Other cells hold no boolean word: those begin with one of these letters. */
const BOOLEAN_STARTS = new Set(
  BOOLEAN_WORDS.flat().flatMap((word) => [word.charCodeAt(0), word.toUpperCase().charCodeAt(0), 0x20, 0x09]),
);

/** Finds out what the cells of one column look like. */
export class EvidenceCollector {
  readonly #column: TableColumn;
  readonly #nullTokens: NullTokens;
  readonly #distinct: DistinctCounter;
  readonly #lanes = { low: 0, high: 0 };
  readonly #words = new Set<string>();
  readonly #examples: string[] = [];
  #rows = 0;
  #nulls = 0;
  #numbers = 0;
  #integers = 0;
  #zeroPadded = 0;
  #beyondPrecision = 0;
  #decimalCommas = 0;
  #booleans = 0;
  #datetimes = 0;
  #characters = 0;
  /** Numbers of a typed file whose text was looked at. */
  #measured = 0;

  constructor(column: TableColumn, { nullTokens, columns }: { nullTokens: NullTokens; columns: number }) {
    this.#column = column;
    this.#nullTokens = nullTokens;
    this.#distinct = new DistinctCounter(
      Math.min(DISTINCT_LIMIT, Math.ceil(REMEMBERED / Math.max(1, columns))),
    );
  }

  /** @param column the place of the column in `batch` */
  take({ bytes, rows, capacity, starts, ends, numbers }: Batch, column: number): void {
    this.#rows += rows;
    for (let row = 0, cell = column * capacity; row < rows; row += 1, cell += 1) {
      this.#cell(bytes, starts[cell] as number, ends[cell] as number, numbers[cell] as number);
    }
  }

  /** Numbers that are such in the file. @param valid one bit a row, 0 for null; undefined if none is */
  takeNumbers({ values, valid }: { values: Float64Array; valid: Uint8Array | undefined }): void {
    this.#rows += values.length;
    for (let row = 0; row < values.length; row += 1) {
      if (valid !== undefined && (((valid[row >> 3] as number) >> (row & 7)) & 1) === 0) this.#nulls += 1;
      else this.#typedNumber(values[row] as number);
    }
  }

  finish(complete: boolean): ColumnEvidence {
    const values = this.#rows - this.#nulls;
    const { name, declared, skipped } = this.#column;
    return {
      name,
      declared,
      skipped,
      rows: this.#rows,
      complete,
      nulls: this.#nulls,
      numbers: this.#numbers,
      integers: this.#integers,
      zeroPadded: this.#zeroPadded,
      beyondPrecision: this.#beyondPrecision,
      decimalCommas: this.#decimalCommas,
      booleans: this.#booleans,
      booleanWords: [...this.#words].sort(),
      datetimes: this.#datetimes,
      distinct: this.#distinct.distinct,
      meanLength: values === 0 ? 0 : this.#characters / (this.#measured === 0 ? values : this.#measured),
      examples: this.#examples,
    };
  }

  #cell(bytes: Uint8Array, start: number, end: number, plain: number): void {
    const own = this.#nullTokens.everywhere;
    if (start === end || (own && this.#nullTokens.matchesTrimmed(bytes, start, end))) {
      this.#nulls += 1;
      return;
    }
    const number = plain === plain ? plain : parseNumber(bytes, start, end);
    if (number === number) this.#number(number, bytes, start, end);
    else if (this.#nullTokens.matchesTrimmed(bytes, start, end)) {
      this.#nulls += 1;
      return;
    } else this.#noNumber(bytes, start, end);
    this.#characters += characters(bytes, start, end);
    this.#lanes.low = 0;
    this.#lanes.high = 0;
    hashCell(bytes, start, end, this.#lanes);
    this.#distinct.add(hashOf(this.#lanes));
    if (this.#examples.length < EXAMPLES) this.#example(utf8(bytes, start, Math.min(end, start + 200)));
  }

  #typedNumber(number: number): void {
    this.#numbers += 1;
    if (Number.isInteger(number)) {
      this.#integers += 1;
      if (number >= EXACT || number <= -EXACT) this.#beyondPrecision += 1;
    }
    DOUBLE[0] = number;
    this.#lanes.low = Math.imul(WORDS[0] as number, 0x85ebca6b) ^ (WORDS[1] as number);
    this.#lanes.high = Math.imul(WORDS[1] as number, 0xc2b2ae35) ^ (WORDS[0] as number);
    this.#distinct.add(hashOf(this.#lanes));
    // The text of numbers takes time, and their length says little.
    if (this.#measured === MEASURED) return;
    this.#measured += 1;
    const text = String(number);
    this.#characters += text.length;
    if (this.#examples.length < EXAMPLES) this.#example(text);
  }

  #number(number: number, bytes: Uint8Array, start: number, end: number): void {
    this.#numbers += 1;
    if (!Number.isInteger(number)) return;
    this.#integers += 1;
    if (number >= EXACT || number <= -EXACT) this.#beyondPrecision += 1;
    if (end - start < 2) return;
    const first = bytes[start] === 0x2d ? start + 1 : start;
    const second = bytes[first + 1] as number;
    if (bytes[first] === ZERO && first + 1 < end && second >= ZERO && second <= ZERO + 9)
      this.#zeroPadded += 1;
  }

  #noNumber(bytes: Uint8Array, start: number, end: number): void {
    const word = BOOLEAN_STARTS.has(bytes[start] as number) ? booleanWord(bytes, start, end) : undefined;
    if (word !== undefined) {
      this.#booleans += 1;
      this.#words.add(word);
      return;
    }
    const time = parseDatetime(bytes, start, end);
    if (time === time) {
      this.#datetimes += 1;
      return;
    }
    const first = bytes[start] as number;
    if (first > ZERO + 9 && first !== 0x6e && first !== 0x4e) return;
    const text = utf8(bytes, start, Math.min(end, start + 200));
    if (isNanWord(text)) this.#numbers += 1;
    else if (text.includes(String.fromCharCode(COMMA)) && DECIMAL_COMMA.test(text)) this.#decimalCommas += 1;
  }

  #example(text: string): void {
    const short = cut(text);
    if (!this.#examples.includes(short)) this.#examples.push(short);
  }
}

/** `1,5`, and `1,234`, which may be either. */
const DECIMAL_COMMA = /^[ \t]*[+-]?\d+,\d+(?:[eE][+-]?\d+)?[ \t]*$/;

function characters(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at += 1) if (((bytes[at] as number) & 0xc0) !== 0x80) count += 1;
  return count;
}
