import { isUtf8 } from 'node:buffer';
import { MalformedText, PADDING, windowOn, type Piece } from './batch.ts';
import { openSource, type ByteSource } from './byte-source.ts';
import type { InputFile } from './input-file.ts';

const BLOCK = 512 * 1024;
/** What has to be in memory as a whole is at most so long: a record, a header. Longer ones are taken for a quote never closed. */
export const LONGEST_RECORD = 64 * 1024 * 1024;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const LF = 0x0a;

export interface TextBufferOptions {
  /** False for who only looks for a place in the text. */
  check?: boolean;
}

/** A window that moves over the text of a file: decompressed, as UTF-8, without its byte order mark. */
export class TextBuffer implements Piece {
  bytes: Buffer;
  view: DataView;
  length = 0;
  last = false;
  /** Where `bytes` begins in the text. */
  offset = 0;
  readonly #source: ByteSource;
  readonly #check: boolean;
  /** The start of a character whose end is not there yet; it lies behind `length`, where the line feed is. */
  #cut: Buffer = Buffer.alloc(0);
  #started = false;

  constructor(file: InputFile, { check = true }: TextBufferOptions = {}) {
    ({ bytes: this.bytes, view: this.view } = windowOn(Buffer.allocUnsafeSlow(2 * BLOCK + PADDING)));
    this.#source = openSource(file);
    this.#check = check;
  }

  /**
   * Goes on in the text: what lies before `from` is dropped, and more comes behind the rest.
   *
   * @throws MalformedText with a place in the whole text, for what is no text
   */
  async more(from: number): Promise<void> {
    this.#move(from);
    let end = this.length + this.#cut.copy(this.bytes, this.length);
    const target = this.bytes.subarray(0, this.bytes.length - PADDING);
    do {
      const read = this.#source.read(target, end);
      const count = typeof read === 'number' ? read : await read;
      if (count === 0) this.last = true;
      end += count;
      if (!this.#started && (end >= BOM.length || this.last)) end = this.#skipBom(end);
    } while (!this.#started);
    const fresh = this.length;
    this.length = this.last ? end : end - cutOff(this.bytes.subarray(fresh, end));
    this.#cut = Buffer.from(this.bytes.subarray(this.length, end));
    if (this.#check) this.#checkText(fresh);
    this.bytes[this.length] = LF;
  }

  close(): void {
    this.#source.close();
  }

  #move(from: number): void {
    const rest = this.length - from;
    const { bytes } = this;
    if (rest > bytes.length / 2) {
      ({ bytes: this.bytes, view: this.view } = windowOn(Buffer.allocUnsafeSlow(2 * bytes.length)));
    }
    if (from > 0 || bytes !== this.bytes) bytes.copy(this.bytes, 0, from, this.length);
    this.offset += from;
    this.length = rest;
  }

  #skipBom(end: number): number {
    this.#started = true;
    if (end < BOM.length || !this.bytes.subarray(0, BOM.length).equals(BOM)) return end;
    this.bytes.copyWithin(0, BOM.length, end);
    return end - BOM.length;
  }

  #checkText(from: number): void {
    const fresh = this.bytes.subarray(from, this.length);
    const nul = fresh.indexOf(0);
    if (nul !== -1) throw new MalformedText(this.offset + from + nul, 'a NUL byte, which text does not have');
    if (isUtf8(fresh)) return;
    throw new MalformedText(this.offset + from + firstInvalid(fresh), 'bytes that are not UTF-8');
  }
}

/** How many bytes at the end are the start of a character that goes on in what follows. */
function cutOff(block: Buffer): number {
  for (let back = 1; back <= 3 && back <= block.length; back += 1) {
    const byte = block[block.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** By halves: what is valid up to there is valid up to any whole character before. */
function firstInvalid(block: Buffer): number {
  let valid = 0;
  let invalid = block.length;
  while (invalid - valid > 1) {
    let middle = (valid + invalid) >>> 1;
    while (middle > valid && ((block[middle] as number) & 0xc0) === 0x80) middle -= 1;
    if (middle === valid) break;
    if (isUtf8(block.subarray(valid, middle))) valid = middle;
    else invalid = middle;
  }
  return valid;
}
