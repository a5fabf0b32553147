import { BOOLEAN_WORDS } from '../table.ts';
import { latin1, parseNumber } from './number.ts';

const LONGEST = 7;
const YES: ReadonlySet<string> = new Set(BOOLEAN_WORDS.map(([yes]) => yes));
const NO: ReadonlySet<string> = new Set(BOOLEAN_WORDS.map(([, no]) => no));

/** The word of {@link BOOLEAN_WORDS} that a cell holds, in lower case; undefined if it holds none. */
export function booleanWord(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > LONGEST) return undefined;
  const word = latin1(bytes, start, end).trim().toLowerCase();
  return YES.has(word) || NO.has(word) ? word : undefined;
}

/** What a cell of a boolean column says; the numbers 0 and 1 count, however they are written. */
export function parseBoolean(bytes: Uint8Array, start: number, end: number): boolean | undefined {
  const word = booleanWord(bytes, start, end);
  if (word !== undefined) return YES.has(word);
  const number = parseNumber(bytes, start, end);
  return number === 1 ? true : number === 0 ? false : undefined;
}
