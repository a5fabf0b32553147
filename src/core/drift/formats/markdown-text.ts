import { printable } from '../../../lib/terminal-text.ts';
import { cut, type Phrase } from './phrase.ts';

const LONGEST_NAME = 80;
const LONGEST_SENTENCE = 200;

/**
 * Text of the data for one cell of a GitHub table, as a code span: in one nothing is a link, a mention, a reference to an issue, HTML or
 * markup. The fence is longer than any run of backticks within.
 */
export function codeCell(text: string, most = LONGEST_NAME): string {
  const line = printable(cut(text, most));
  if (line === '') return '(no name)';
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  // One space on both sides is taken off again, and only then may the text itself start or end with a backtick or a space.
  const inner = /^[` ]|[` ]$/.test(line) && /[^ ]/.test(line) ? ` ${line} ` : line;
  return `${fence}${escapePipes(inner)}${fence}`;
}

/**
 * Cells end at a bar without a backslash before it, also within code. Whether two backslashes before a bar still escape it differs between
 * readers, so their number is made odd: an even one by the escape itself, an odd one by two more characters.
 */
function escapePipes(text: string): string {
  return text.replace(/(\\*)\|/g, (_match, slashes: string) =>
    slashes.length % 2 === 0 ? `${slashes}\\|` : `${slashes}\\\\|`,
  );
}

const MARKUP = /[\\`*_[\]<>#|~&]/g;
/** Words, numbers and the signs that our sentences need; nothing that GitHub makes a link or a mention of. */
const HARMLESS = /^[\p{L}\p{N} ,;:%=<>+()\u2192\u0394.\-']*$/u;
const LIKE_AN_ADDRESS = /\p{L}\.\p{L}|www|:\//iu;

/** A sentence of the comparison: as words where it is nothing but words and numbers, else as a code span. */
function sentenceCell(sentence: string): string {
  const line = printable(cut(sentence, LONGEST_SENTENCE));
  if (!HARMLESS.test(line) || LIKE_AN_ADDRESS.test(line)) return codeCell(sentence, LONGEST_SENTENCE);
  // A number and a dot at the start of a line begin a list.
  return ownWords(line).replace(/^(\d+)\./, '$1\\.');
}

/** Our own words, with what Markdown would take for markup escaped. */
export function ownWords(text: string): string {
  return text.replace(MARKUP, (character) => (character === '<' ? '&lt;' : `\\${character}`));
}

export function phraseCell(phrase: Phrase): string {
  return phrase
    .map((piece) => {
      if (typeof piece === 'string') return ownWords(piece);
      return 'data' in piece ? codeCell(piece.data) : sentenceCell(piece.sentence);
    })
    .join('');
}
