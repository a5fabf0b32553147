import { NULL_TOKENS } from '../table.ts';
import { utf8 } from './number.ts';

const SPACE = 0x20;
const TAB = 0x09;

/** Which cells are missing: what {@link NULL_TOKENS} says, or the caller's own list. */
export class NullTokens {
  readonly #tokens: ReadonlySet<string>;
  readonly #longest: number;
  /** Bytes that a token begins with. */
  readonly #starts = new Uint8Array(256);
  /** The caller's list holds in categorical and text columns as well. */
  readonly everywhere: boolean;

  constructor(tokens: readonly string[] | undefined) {
    this.#tokens = new Set(tokens ?? NULL_TOKENS);
    this.#longest = Math.max(0, ...Array.from(this.#tokens, (token) => Buffer.byteLength(token)));
    for (const token of this.#tokens) this.#starts[Buffer.from(token)[0] ?? 0] = 1;
    this.everywhere = tokens !== undefined;
  }

  /** Whether a cell holds one of the tokens in exactly its spelling. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start > this.#longest || this.#starts[bytes[start] as number] === 0) return false;
    return this.#tokens.has(utf8(bytes, start, end));
  }

  /** As `matches` for numbers, dates and booleans: blanks around it do not count, and nothing but blanks is missing too. */
  matchesTrimmed(bytes: Uint8Array, start: number, end: number): boolean {
    let from = start;
    let to = end;
    while (from < to && (bytes[from] === SPACE || bytes[from] === TAB)) from += 1;
    while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to -= 1;
    return from === to || this.matches(bytes, from, to);
  }

  /** As {@link matchesTrimmed} for a value that is a text already. */
  isMissing(text: string): boolean {
    const trimmed = text.replace(/^[ \t]+|[ \t]+$/g, '');
    return trimmed === '' || this.#tokens.has(trimmed);
  }
}
