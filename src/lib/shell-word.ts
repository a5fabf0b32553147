import { printable } from './terminal-text.ts';

/**
 * A path or name as one word for a command line that a person may paste into a POSIX shell: quoted where it has to be, so that
 * nothing in it is run, and never read as an option.
 */
export function shellWord(text: string): string {
  const shown = printable(text);
  const word = shown.startsWith('-') ? `./${shown}` : shown;
  return /^[\p{L}\p{N}._/=@%+,:-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
