import { UsageError } from '../../errors.ts';

/** A position in the text of a filter or sort order, and the few things that are read from it. */
export interface Cursor {
  /** 0-based offset of the next character that is no white space. */
  readonly offset: number;
  /** True when only white space is left. */
  atEnd(): boolean;
  /** Reads `word` in any case if it stands here as a whole word. */
  takeWord(word: string): boolean;
  /** Reads `symbol` if it stands here. */
  takeSymbol(symbol: string): boolean;
  /** Reads what `pattern`, which must be sticky, matches here after white space. */
  take(pattern: RegExp): string | undefined;
  /**
   * Reads text between one of the given quotes; the quote itself is written twice inside.
   * @throws UsageError when the closing quote is missing
   */
  takeQuoted(quotes: string): string | undefined;
  /** The error for what stands at `offset` (default: the next character). */
  expected(what: string, options?: { offset?: number; hint?: string | undefined }): UsageError;
}

export interface CursorOptions {
  /** Code of the errors. */
  code: string;
  /** What the text is, for messages: `filter`. */
  subject: string;
  /** The hint where there is no better one. */
  hint: string;
}

const WHITE_SPACE = /\s*/y;
const FOUND = /[^\s=!<>()'"`,]+|[=!<>]+|./suy;
/** Longer than any filter a person writes; bounds the work of matching. */
const LONGEST = 8192;
const LONGEST_SHOWN = 40;

/** @throws UsageError when the text is too long */
export function createCursor(text: string, { code, subject, hint }: CursorOptions): Cursor {
  if (text.length > LONGEST) {
    throw new UsageError(code, `the ${subject} has ${text.length} characters; at most ${LONGEST} are read`);
  }
  let offset = 0;

  function match(pattern: RegExp, at: number): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  }
  function skipSpace(): void {
    offset += match(WHITE_SPACE, offset)?.length ?? 0;
  }
  function take(pattern: RegExp): string | undefined {
    skipSpace();
    const found = match(pattern, offset);
    offset += found?.length ?? 0;
    return found;
  }
  function expected(what: string, options: { offset?: number; hint?: string | undefined } = {}): UsageError {
    skipSpace();
    const at = options.offset ?? offset;
    const found = match(FOUND, at);
    const shown = found === undefined ? `the end of the ${subject}` : `\`${found.slice(0, LONGEST_SHOWN)}\``;
    return new UsageError(code, `${subject}, position ${at + 1}: expected ${what}, found ${shown}`, {
      hint: options.hint ?? hint,
    });
  }
  function takeQuoted(quotes: string): string | undefined {
    skipSpace();
    const quote = text.charAt(offset);
    if (quote === '' || !quotes.includes(quote)) return undefined;
    let value = '';
    let from = offset + 1;
    for (;;) {
      const end = text.indexOf(quote, from);
      if (end === -1) throw expected(`a closing ${quote}`, { offset: text.length });
      value += text.slice(from, end);
      if (text.charAt(end + 1) !== quote) {
        offset = end + 1;
        return value;
      }
      value += quote;
      from = end + 2;
    }
  }

  return {
    get offset() {
      skipSpace();
      return offset;
    },
    atEnd() {
      skipSpace();
      return offset === text.length;
    },
    takeWord(word) {
      skipSpace();
      const end = offset + word.length;
      if (text.slice(offset, end).toLowerCase() !== word.toLowerCase()) return false;
      if (/[\w.-]/.test(text.charAt(end))) return false;
      offset = end;
      return true;
    },
    takeSymbol(symbol) {
      skipSpace();
      if (!text.startsWith(symbol, offset)) return false;
      offset += symbol.length;
      return true;
    },
    take,
    takeQuoted,
    expected,
  };
}
