import { printable } from '../../../lib/terminal-text.ts';
import { cut } from './phrase.ts';

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Code points that HTML calls a mistake, and some of which XML 1.0 has no place for, not even as a reference. */
const NONCHARACTERS = /\p{Noncharacter_Code_Point}/gu;

/**
 * Untrusted text for the content or a quoted attribute of XML and HTML: one line, without control characters, and nothing in it that
 * could start a tag, a reference or end the attribute.
 *
 * @param most characters; what is longer ends in an ellipsis
 */
export function markupText(text: string, most = Infinity): string {
  const line = printable(most === Infinity ? text : cut(text, most)).replaceAll(NONCHARACTERS, '\ufffd');
  return line.replace(/[&<>"']/g, (character) => REFERENCES[character] ?? character);
}

/** Text that is markup already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export const NOTHING = new Markup('');

export type MarkupValue = string | number | Markup | readonly Markup[];

/** Markup with its values in place: strings and numbers become text, so they can't be anything else; attributes have to be quoted. */
export function markup(parts: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  let text = parts[0] ?? '';
  for (const [index, value] of values.entries()) text += rendered(value) + (parts[index + 1] ?? '');
  return new Markup(text);
}

function rendered(value: MarkupValue): string {
  if (typeof value === 'string' || typeof value === 'number') return markupText(String(value));
  return value instanceof Markup ? value.text : value.map(({ text }) => text).join('');
}
