import { printable } from '../../../lib/terminal-text.ts';
import { quoted } from '../text-of.ts';

/**
 * A part of a sentence. A plain string is of our own words; `data` is a name or a value of the data, shown apart from the words;
 * `sentence` was written by the comparison and may hold such names within. Each medium escapes the last two.
 */
export type Piece = string | { readonly data: string } | { readonly sentence: string };

export type Phrase = readonly Piece[];

const LONGEST_SENTENCE = 300;

/** For a terminal or any other medium of plain text: one line without control characters. */
export function plainText(phrase: Phrase): string {
  return phrase
    .map((piece) => {
      if (typeof piece === 'string') return piece;
      return 'data' in piece ? quoted(piece.data) : printable(cut(piece.sentence, LONGEST_SENTENCE));
    })
    .join('');
}

/** The first characters of a text, with an ellipsis where something was left out; surrogate pairs stay whole. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const characters = Array.from(text.slice(0, most * 2));
  const isWhole = characters.length <= most && text.length <= most * 2;
  return isWhole ? text : `${characters.slice(0, most - 1).join('')}…`;
}

/** Phrases with a separator of our own words between them. */
export function joined(phrases: readonly Phrase[], separator: string): Phrase {
  return phrases.flatMap((phrase, index) => (index === 0 ? phrase : [separator, ...phrase]));
}
